/* Objects and values: calls of the public interface by name, attributes, items, iteration, callables,
 * classes, what is not public, and that nothing leaks. */
#include "check.h"

static const mxg_value *items(const mxg_value *list)
{
    return list->at;
}

static mxg_ndarray array_of(const mxg_value *v)
{
    return (mxg_ndarray)(intptr_t)v->at;
}

static mxg_object object_of(const mxg_value *v)
{
    return (mxg_object)(intptr_t)v->at;
}

static int is_text(const mxg_value *v, const char *text)
{
    return v->kind == MXG_IS_STRING && v->count == (int32_t)strlen(text) && strcmp(v->at, text) == 0;
}

/* ---- values go in and come back ----------------------------------------------------------------------- */

static int deleted;

static void count_delete(void *ctx)
{
    (void)ctx;
    deleted++;
}

/* A copy of a value, as a callable has to give it. */
static int copy(const mxg_value *from, mxg_value *to)
{
    int status = MXG_OK;
    int32_t i;
    mxg_ndarray array;
    mxg_object object;
    switch (from->kind) {
    case MXG_IS_STRING:
        return mxg_value_string(from->at, from->count, to);
    case MXG_IS_BYTES:
        return mxg_value_bytes(from->at, from->count, to);
    case MXG_IS_LIST:
    case MXG_IS_DICT:
        status = mxg_value_list(from->count, from->kind == MXG_IS_DICT, to);
        for (i = 0; status == MXG_OK && i < from->count; i++)
            status = copy(items(from) + i, (mxg_value *)(intptr_t)to->at + i);
        return status;
    case MXG_IS_NDARRAY:
        status = mxg_ndarray_dup(array_of(from), &array);
        *to = *from;
        to->at = array;
        return status;
    case MXG_IS_OBJECT:
        status = mxg_object_dup(object_of(from), &object);
        *to = *from;
        to->at = object;
        return status;
    default:
        *to = *from;
        return MXG_OK;
    }
}

static int same(const mxg_value *a, const mxg_value *b)
{
    int32_t i;
    if (a->kind != b->kind)
        return 0;
    switch (a->kind) {
    case MXG_IS_STRING:
    case MXG_IS_BYTES:
        return a->count == b->count && memcmp(a->at, b->at, (size_t)a->count) == 0;
    case MXG_IS_LIST:
    case MXG_IS_DICT:
        for (i = 0; a->count == b->count && i < a->count; i++)
            if (!same(items(a) + i, items(b) + i))
                return 0;
        return a->count == b->count;
    case MXG_IS_NDARRAY:
        VALUES(array_of(a), 1, 2);
        VALUES(array_of(b), 1, 2);
        return 1;
    default:
        return a->number == b->number && a->real == b->real;
    }
}

/* A method that gives its argument back, or those by name. */
static int echo(void *ctx, int32_t n_args, const mxg_value *args, const mxg_value *named, mxg_value *result)
{
    (*(int *)ctx)++;
    if (args[0].kind != MXG_IS_OBJECT)
        return mxg_set_error(MXG_ERR_VALUE, "the object is missing");
    return copy(n_args > 1 ? &args[1] : named, result);
}

/* An object with a method `echo`. */
static mxg_value echoing(int *calls)
{
    mxg_callable function = {echo, calls, count_delete};
    mxg_value pair[2] = {MXG_NEW_STRING("echo"), MXG_NEW_CALLABLE(&function)}, methods = MXG_NEW_DICT(2, pair);
    mxg_value base, made, object;
    OK(mxg_get(NULL, "lr_scheduler.LRScheduler", &base));
    OK(mxg_subclass(&base, "Echo", &methods, &made));
    OK(mxg_call(&made, NULL, 0, NULL, NULL, &object));
    OK(mxg_value_clear(&made));
    OK(mxg_value_clear(&base));
    return object;
}

static void check_kinds(void)
{
    const int64_t before = live();
    int calls = 0, i;
    mxg_value object = echoing(&calls), method, out;
    mxg_ndarray x = FLOATS(1, 2);
    mxg_value inner[3] = {MXG_NEW_DOUBLE(0.5), MXG_NEW_NONE, MXG_NEW_NDARRAY(x)};
    mxg_value pairs[4] = {{MXG_IS_STRING, 3, 0, 0.0, "key"}, MXG_NEW_LIST(3, inner),
                          {MXG_IS_STRING, 5, 0, 0.0, "other"}, MXG_NEW_LIST(0, NULL)};
    const mxg_value kinds[] = {
        MXG_NEW_BOOL(7), MXG_NEW_BOOL(0), MXG_NEW_INT(INT64_MIN), MXG_NEW_DOUBLE(1e300), MXG_NEW_NONE,
        {MXG_IS_STRING, 6, 0, 0.0, "gr\xc3\xbc\0n"}, {MXG_IS_BYTES, 3, 0, 0.0, "\xff\0b"},
        {MXG_IS_BYTES, 0, 0, 0.0, NULL}, MXG_NEW_NDARRAY(x), MXG_NEW_LIST(3, inner), MXG_NEW_DICT(4, pairs),
    };
    const mxg_value named = MXG_NEW_DICT(4, pairs);
    mxg_value deep[70], text = MXG_NEW_STRING("\xff"), endless = MXG_NEW_LIST(1, &endless);

    OK(mxg_get(&object, "echo", &method));
    for (i = 0; i < LENGTH(kinds); i++) {
        OK(mxg_call(i % 2 ? &object : &method, i % 2 ? "echo" : "", 1, &kinds[i], NULL, &out));
        CHECK(same(&kinds[i], &out));
        OK(mxg_value_clear(&out));
    }
    CHECK(calls == LENGTH(kinds));
    OK(mxg_call(&method, NULL, 0, NULL, &named, &out));
    CHECK(same(&named, &out));
    OK(mxg_value_clear(&out));

    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &endless, NULL, &out));
    SAYS("64 deep");
    for (i = 0; i < LENGTH(deep); i++)
        deep[i] = i == 0 ? (mxg_value)MXG_NEW_NONE : (mxg_value)MXG_NEW_LIST(1, &deep[i - 1]);
    OK(mxg_call(&method, NULL, 1, &deep[60], NULL, NULL));
    text = (mxg_value)MXG_NEW_LIST(-1, NULL);
    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    text = (mxg_value)MXG_NEW_LIST(1, NULL);
    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    text = (mxg_value)MXG_NEW_DICT(3, inner);
    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    text = (mxg_value)MXG_NEW_STRING(NULL);
    FAILS(MXG_ERR_VALUE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    text = (mxg_value)MXG_NEW_OBJECT(NULL);
    FAILS(MXG_ERR_HANDLE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    text = (mxg_value)MXG_NEW_NDARRAY((void *)(intptr_t)12345);
    FAILS(MXG_ERR_HANDLE, mxg_call(&method, NULL, 1, &text, NULL, &out));
    FAILS(MXG_ERR_TYPE, mxg_call(&method, NULL, 0, NULL, &kinds[0], &out));

    OK(mxg_value_clear(&method));
    OK(mxg_value_clear(&object));
    FREE(x);
    CHECK(live() == before);
}

/* ---- public or not ------------------------------------------------------------------------------------ */

static void check_public(void)
{
    static const char *const HIDDEN[] = {
        "_version", "__name__", "__builtins__", "__dict__", "os", "sys", "numpy.os", "nd._internal", "np.os",
        "random.os", "base.os", "nd.array.__globals__", "nd.array.func_globals", "gluon.nn.Dense.__init__",
        "gluon.nn.Dense.__subclasses__", "np.sys", "util.functools", "util.importlib", "nd.NDArray.mro.x", "",
        "a b", "nd..array", ".", "nd.", "test_utils.numpy", "base.Any", "context.threading",
        "kernels", "kernels.vm.run", "autograd.evaluate", "backend.memory", "gluon.utils.submodule",
        "np.numpy", "np.dtype.mro", "np.finfo.mro", "np.set_printoptions.x", "np.ndindex.ndincr",
    };
    mxg_value float32 = MXG_NEW_STRING("float32"), out;
    size_t i;
    for (i = 0; i < sizeof HIDDEN / sizeof *HIDDEN; i++) {
        FAILS(MXG_ERR_NOTFOUND, mxg_get(NULL, HIDDEN[i], &out));
        CHECK(out.kind == MXG_IS_NONE);
    }
    OK(mxg_get(NULL, "optimizer.Optimizer._get_lr", &out)); /* for those who write optimizers */
    OK(mxg_value_clear(&out));
    FAILS(MXG_ERR_NOTFOUND, mxg_get(NULL, "lr_schedular", &out));
    SAYS("lr_scheduler");
    FAILS(MXG_ERR_NOTFOUND, mxg_call(NULL, "eval", 0, NULL, NULL, NULL));
    FAILS(MXG_ERR_NOTFOUND, mxg_call(NULL, "builtins.eval", 0, NULL, NULL, NULL));

    /* what np has from NumPy */
    OK(mxg_call(NULL, "np.dtype", 1, &float32, NULL, &out));
    CHECK(is_text(&out, "float32"));
    OK(mxg_value_clear(&out));
    OK(mxg_call(NULL, "np.finfo", 1, &float32, NULL, &out));
    CHECK(out.kind == MXG_IS_DICT && is_text(out.at, "bits") && ((const mxg_value *)out.at)[1].number == 32);
    OK(mxg_value_clear(&out));
    OK(mxg_call(NULL, "np.get_printoptions", 0, NULL, NULL, &out));
    CHECK(out.kind == MXG_IS_DICT);
    OK(mxg_value_clear(&out));
    OK(mxg_get(NULL, "np.set_printoptions", &out));
    CHECK(out.kind == MXG_IS_OBJECT);
    OK(mxg_value_clear(&out));
}

/* ---- calls, attributes, errors ------------------------------------------------------------------------ */

static void check_calls(void)
{
    const int64_t before = live();
    mxg_value pairs[4] = {MXG_NEW_STRING("step"), MXG_NEW_INT(2), MXG_NEW_STRING("factor"), MXG_NEW_DOUBLE(0.5)};
    mxg_value named = MXG_NEW_DICT(4, pairs), scheduler, out, number = MXG_NEW_INT(5), rate = MXG_NEW_DOUBLE(8);
    mxg_value wrong[2] = {MXG_NEW_STRING("stepp"), MXG_NEW_INT(2)}, misnamed = MXG_NEW_DICT(2, wrong);
    mxg_object again;
    int64_t id, other;
    int yes;
    const char *name;
    char text[200];

    OK(mxg_call(NULL, "lr_scheduler.FactorScheduler", 0, NULL, &named, &scheduler));
    CHECK(scheduler.kind == MXG_IS_OBJECT);
    OK(mxg_get(&scheduler, "step", &out));
    CHECK(out.kind == MXG_IS_INT && out.number == 2);
    OK(mxg_set(&scheduler, "base_lr", &rate));
    OK(mxg_call(&scheduler, NULL, 1, &number, NULL, &out));
    CHECK(out.kind == MXG_IS_DOUBLE && out.real == 2.0); /* halved after 2 steps and after 4 */
    OK(mxg_object_class(object_of(&scheduler), &name));
    CHECK(strcmp(name, "lr_scheduler.FactorScheduler") == 0);
    OK(mxg_object_is_a(object_of(&scheduler), "lr_scheduler.LRScheduler", &yes));
    CHECK(yes == 1);
    OK(mxg_object_is_a(object_of(&scheduler), "nd.NDArray", &yes));
    CHECK(yes == 0);
    FAILS(MXG_ERR_TYPE, mxg_object_is_a(object_of(&scheduler), "nd.array", &yes));
    OK(mxg_object_dup(object_of(&scheduler), &again));
    OK(mxg_object_id(object_of(&scheduler), &id));
    OK(mxg_object_id(again, &other));
    CHECK(id == other);
    OK(mxg_object_text(again, text, sizeof text, NULL));
    CHECK(strstr(text, "FactorScheduler") != NULL);
    OK(mxg_object_free(again));
    FAILS(MXG_ERR_HANDLE, mxg_object_free(again));

    FAILS(MXG_ERR_TYPE, mxg_call(NULL, "lr_scheduler.FactorScheduler", 0, NULL, &misnamed, &out));
    SAYS("stepp");
    FAILS(MXG_ERR_NOTFOUND, mxg_get(&scheduler, "stepp", &out));
    SAYS("step");
    FAILS(MXG_ERR_NOTFOUND, mxg_set(&scheduler, "_step", &rate));
    FAILS(MXG_ERR_TYPE, mxg_get_item(&scheduler, &number, &out));
    FAILS(MXG_ERR_TYPE, mxg_iterate(&scheduler, &out));
    FAILS(MXG_ERR_TYPE, mxg_length(&scheduler, &id));
    FAILS(MXG_ERR_TYPE, mxg_call(&number, "real", 0, NULL, NULL, NULL));
    FAILS(MXG_ERR_TYPE, mxg_call(NULL, NULL, 0, NULL, NULL, NULL));
    FAILS(MXG_ERR_TYPE, mxg_call(NULL, "nd.NDArray", 0, NULL, NULL, NULL)); /* no array without data */
    number.kind = 99;
    FAILS(MXG_ERR_TYPE, mxg_call(&scheduler, NULL, 1, &number, NULL, NULL));
    OK(mxg_value_clear(&scheduler));
    CHECK(scheduler.kind == MXG_IS_NONE && live() == before);
}

/* Where all that is given is numbers, arrays and objects, the library reads it in another place. */
static void check_simple_calls(void)
{
    const int64_t before = live(), shape[2] = {2, 3};
    int64_t sizes[9];
    mxg_ndarray a, b;
    mxg_value x, other, out, args[9], sum[2] = {MXG_NEW_NONE, MXG_NEW_BOOL(1)};
    int32_t i, ndim;

    OK(mxg_ndarray_ones("float32", 2, shape, NULL, &a));
    OK(mxg_ndarray_zeros("float32", 2, shape, NULL, &b));
    x = (mxg_value)MXG_NEW_NDARRAY(a);
    other = (mxg_value)MXG_NEW_NDARRAY(b);
    for (i = 0; i < 9; i++)
        args[i] = (mxg_value)MXG_NEW_INT(i < 7 ? 1 : i - 5);
    OK(mxg_call(&x, "reshape", 2, args + 7, NULL, &out));
    CHECK(out.kind == MXG_IS_NDARRAY);
    OK(mxg_value_clear(&out));
    OK(mxg_call(&x, "reshape", 9, args, NULL, &out)); /* too many for there */
    OK(mxg_ndarray_shape((mxg_ndarray)(intptr_t)out.at, 9, sizes, &ndim));
    CHECK(ndim == 9 && sizes[7] == 2 && sizes[8] == 3);
    OK(mxg_value_clear(&out));
    OK(mxg_call(&x, "sum", 2, sum, NULL, &out));
    OK(mxg_ndarray_shape((mxg_ndarray)(intptr_t)out.at, 9, sizes, &ndim));
    CHECK(ndim == 2 && sizes[0] == 1);
    OK(mxg_value_clear(&out));
    OK(mxg_call(&x, "copyto", 1, &other, NULL, NULL));
    OK(mxg_ndarray_free(b));
    FAILS(MXG_ERR_HANDLE, mxg_call(&x, "copyto", 1, &other, NULL, &out));
    CHECK(out.kind == MXG_IS_NONE);
    FAILS(MXG_ERR_HANDLE, mxg_call(&other, "copy", 0, NULL, NULL, &out));
    OK(mxg_call(&x, "wait_to_read", 0, NULL, NULL, &out));
    CHECK(out.kind == MXG_IS_NONE);
    OK(mxg_call(&x, "asnumpy", 0, NULL, NULL, &out));
    CHECK(out.kind == MXG_IS_NDARRAY);
    OK(mxg_value_clear(&out));
    FAILS(MXG_ERR_NOTFOUND, mxg_call(&x, "_touch", 0, NULL, NULL, &out));
    FAILS(MXG_ERR_NOTFOUND, mxg_call(&x, "no.such", 0, NULL, NULL, &out));
    FAILS(MXG_ERR_TYPE, mxg_call(&x, "shape", 0, NULL, NULL, &out));
    SAYS("shape cannot be called");
    FAILS(MXG_ERR_TYPE, mxg_call(&x, "sum", 8, args, NULL, &out));
    OK(mxg_ndarray_free(a));
    CHECK(live() == before);
}

static void check_arrays(void)
{
    const int64_t before = live();
    mxg_ndarray x = VARIABLE(3, 1, 2);
    mxg_value target = MXG_NEW_NDARRAY(x), axis = MXG_NEW_INT(0), out, shape;
    int64_t scope, n;

    OK(mxg_scope_begin(1, 1, &scope));
    OK(mxg_call(&target, "sort", 0, NULL, NULL, &out));
    OK(mxg_scope_end(scope));
    CHECK(out.kind == MXG_IS_NDARRAY);
    VALUES(array_of(&out), 1, 2, 3);
    OK(mxg_value_clear(&out));
    OK(mxg_get(&target, "shape", &shape));
    CHECK(shape.kind == MXG_IS_LIST && shape.count == 1 && items(&shape)[0].number == 3);
    OK(mxg_value_clear(&shape));
    OK(mxg_get(&target, "dtype", &out));
    CHECK(is_text(&out, "float32"));
    OK(mxg_value_clear(&out));
    OK(mxg_call(&target, "asnumpy", 0, NULL, NULL, &out));
    VALUES(array_of(&out), 3, 1, 2);
    OK(mxg_value_clear(&out));
    OK(mxg_length(&target, &n));
    CHECK(n == 3);
    OK(mxg_get_item(&target, &axis, &out));
    VALUES(array_of(&out), 3);
    OK(mxg_value_clear(&out));
    FREE(x);
    FAILS(MXG_ERR_HANDLE, mxg_get(&target, "shape", &out));
    CHECK(live() == before);
}

/* ---- contexts, parameters, tuples --------------------------------------------------------------------- */

static void check_contexts(void)
{
    const int64_t before = live();
    mxg_value scheduler, device, out, one = MXG_NEW_INT(1), method, pair;
    mxg_value two[2] = {MXG_NEW_INT(2), MXG_NEW_INT(3)}, shape = {MXG_IS_LIST, 2, 1, 0.0, two};
    char text[200];

    OK(mxg_call(NULL, "cpu", 1, &one, NULL, &device));
    OK(mxg_enter(&device, &out));
    OK(mxg_value_clear(&out));
    OK(mxg_call(NULL, "nd.zeros", 1, &shape, NULL, &out));
    OK(mxg_get(&out, "shape", &pair));
    CHECK(pair.number == 1 && items(&pair)[1].number == 3); /* a tuple */
    OK(mxg_value_clear(&pair));
    OK(mxg_get(&out, "context", &pair));
    OK(mxg_object_text(object_of(&pair), text, sizeof text, NULL));
    CHECK(strcmp(text, "cpu(1)") == 0);
    OK(mxg_value_clear(&pair));
    OK(mxg_value_clear(&out));
    OK(mxg_exit(&device, 1));
    OK(mxg_call(NULL, "current_context", 0, NULL, NULL, &out));
    OK(mxg_object_text(object_of(&out), text, sizeof text, NULL));
    CHECK(strcmp(text, "cpu(0)") == 0);
    OK(mxg_value_clear(&out));
    OK(mxg_value_clear(&device));

    OK(mxg_get(NULL, "lr_scheduler.FactorScheduler", &scheduler));
    OK(mxg_object_parameters(object_of(&scheduler), text, sizeof text, NULL));
    CHECK(strncmp(text, "step factor= stop_factor_lr= base_lr=", 37) == 0);
    FAILS(MXG_ERR_TYPE, mxg_enter(&scheduler, &out));
    SAYS("cannot be entered");
    FAILS(MXG_ERR_TYPE, mxg_exit(&scheduler, 0));
    OK(mxg_value_clear(&scheduler));
    OK(mxg_get(NULL, "nd.NDArray.asnumpy", &method));
    OK(mxg_object_parameters(object_of(&method), text, sizeof text, NULL));
    CHECK(strcmp(text, "self") == 0);
    OK(mxg_value_clear(&method));
    CHECK(live() == before);
}

/* ---- iteration ---------------------------------------------------------------------------------------- */

static void check_iteration(void)
{
    const int64_t before = live();
    mxg_ndarray x = FLOATS(1, 2, 3);
    mxg_value target = MXG_NEW_NDARRAY(x), iterator, each;
    int more = 1, n = 0;
    OK(mxg_iterate(&target, &iterator));
    for (;;) {
        OK(mxg_next(&iterator, &each, &more));
        if (!more)
            break;
        n++;
        CHECK(each.kind == MXG_IS_NDARRAY);
        OK(mxg_value_clear(&each));
    }
    CHECK(n == 3 && each.kind == MXG_IS_NONE);
    FAILS(MXG_ERR_NOTFOUND, mxg_get(&iterator, "gi_frame", &each));
    OK(mxg_value_clear(&iterator));
    FREE(x);
    CHECK(live() == before);
}

/* ---- classes of one's own ----------------------------------------------------------------------------- */

/* The learning rate 1 / (number of updates). */
static int inverse(void *ctx, int32_t n_args, const mxg_value *args, const mxg_value *named, mxg_value *result)
{
    (void)ctx, (void)named;
    if (n_args != 2 || args[0].kind != MXG_IS_OBJECT || args[1].kind != MXG_IS_INT)
        return mxg_set_error(MXG_ERR_VALUE, "wrong arguments");
    if (args[1].number == 0)
        return mxg_set_error(MXG_ERR_VALUE, "no update yet");
    result->kind = MXG_IS_DOUBLE;
    result->real = 1.0 / (double)args[1].number;
    return MXG_OK;
}

static void check_classes(void)
{
    const int64_t before = live();
    mxg_callable function = {inverse, NULL, count_delete};
    mxg_value pair[2] = {MXG_NEW_STRING("__call__"), MXG_NEW_CALLABLE(&function)};
    mxg_value methods = MXG_NEW_DICT(2, pair), base, made, object, out, updates = MXG_NEW_INT(4);

    deleted = 0;
    OK(mxg_get(NULL, "lr_scheduler.LRScheduler", &base));
    OK(mxg_subclass(&base, "Inverse", &methods, &made));
    OK(mxg_call(&made, NULL, 0, NULL, NULL, &object));
    OK(mxg_call(&object, NULL, 1, &updates, NULL, &out));
    CHECK(out.kind == MXG_IS_DOUBLE && out.real == 0.25);
    updates.number = 0;
    FAILS(MXG_ERR_CALLBACK, mxg_call(&object, NULL, 1, &updates, NULL, &out));
    SAYS("no update yet");
    FAILS(MXG_ERR_VALUE, mxg_subclass(&base, "2wrong", &methods, &out));
    pair[0].at = "_hidden";
    FAILS(MXG_ERR_VALUE, mxg_subclass(&base, "Wrong", &methods, &out));
    pair[0].at = "__class__";
    FAILS(MXG_ERR_VALUE, mxg_subclass(&base, "Wrong", &methods, &out));
    CHECK(deleted == 3);
    OK(mxg_value_clear(&object));
    OK(mxg_value_clear(&made));
    OK(mxg_value_clear(&base));
    /* a class is part of a cycle, which Python's collector finds in its own time */
    CHECK(live() == before);
}

/* ---- a callable of a call that fails ------------------------------------------------------------------ */

/* not with the others: the collector may find one of theirs now */
static int deleted_here;

static void count_delete_here(void *ctx)
{
    (void)ctx;
    deleted_here++;
}

static void check_deleter(void)
{
    mxg_callable function = {inverse, NULL, count_delete_here};
    mxg_value args[3] = {{99, 0, 0, 0.0, NULL}, MXG_NEW_CALLABLE(&function), MXG_NEW_CALLABLE(&function)};
    deleted_here = 0;
    FAILS(MXG_ERR_TYPE, mxg_call(NULL, "nd.array", 3, args, NULL, NULL));
    CHECK(deleted_here == 2);
    FAILS(MXG_ERR_NOTFOUND, mxg_call(NULL, "nothing", 1, args + 1, NULL, NULL));
    CHECK(deleted_here == 3);
    FAILS(MXG_ERR_TYPE, mxg_call(args + 1, "nothing", 0, NULL, NULL, NULL)); /* a target that cannot be one */
    CHECK(deleted_here == 4);
    FAILS(MXG_ERR_TYPE, mxg_set_item(args + 1, args + 1, args + 2));
    CHECK(deleted_here == 7);
}

static void check_memory(void)
{
    mxg_value v, *first;
    OK(mxg_value_list(2, 0, &v));
    first = (mxg_value *)(intptr_t)v.at;
    OK(mxg_value_string("text", 2, &first[0]));
    CHECK(is_text(&first[0], "te"));
    OK(mxg_value_bytes("\0\1", 2, &first[1]));
    OK(mxg_value_clear(&v));
    OK(mxg_value_list(2, 0, &v));
    first = (mxg_value *)(intptr_t)v.at;
    OK(mxg_call(NULL, "lr_scheduler.LRScheduler", 0, NULL, NULL, &first[1]));
    first[0] = first[1]; /* the same handle twice: the second time it has been freed */
    FAILS(MXG_ERR_HANDLE, mxg_value_clear(&v));
    CHECK(v.kind == MXG_IS_NONE);
    FAILS(MXG_ERR_VALUE, mxg_value_list(3, 1, &v));
    FAILS(MXG_ERR_VALUE, mxg_value_list(-1, 0, &v));
    FAILS(MXG_ERR_VALUE, mxg_value_string("x", -2, &v));
    OK(mxg_value_clear(NULL));
}

int main(void)
{
    int i;
    for (i = 0; i < 3; i++) {
        check_kinds();
        check_public();
        check_calls();
        check_simple_calls();
        check_arrays();
        check_contexts();
        check_iteration();
        check_classes();
        check_deleter();
        check_memory();
    }
    return 0;
}
