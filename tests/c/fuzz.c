/* Random calls of every function, with arguments from right to absurd: fuzz SEED CALLS [verbose].
 * "verbose" prints each call before it is made.
 *
 * What the interface cannot check is kept: a pointer points to as much memory as the call may use.  All else
 * may be wrong.  Each call has to succeed, or to fail with a status and a message; handles are counted.
 */
#include "calls.h"

#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

enum { POOL = 48, SLOT = 1 << 16, MAX_N = 8, MAX_NDIM = 64, MAX_BYTES = 1024, ROUND = 5000, SECONDS = 60 };

static uint64_t state;
static int verbose, depth;
static long calls, failures, by_status[15];

static uint64_t next(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * UINT64_C(2685821657736338717) >> 16;
}

static int below(int n)
{
    return (int)(next() % (uint64_t)n);
}

/* True in so many of 100 cases. */
static int percent(int n)
{
    return below(100) < n;
}

#define PICK(list) ((list)[below(LENGTH(list))])

/* ---- what is there ------------------------------------------------------------------------------------ */

/* Handles of one kind that this program has, and some that it had. */
typedef struct {
    int n, n_stale;
    void *handles[POOL], *stale[POOL];
} pool;

static pool arrays, functions, objects, programs, exported;
static int begun; /* how many calls more may be part of the program that has begun */
static int64_t scopes[16];
static struct {
    mxg_op handle;
    const char *name;
} ops[4096];
static int32_t n_ops;

static void forget(pool *from, void *handle)
{
    int i;
    for (i = 0; i < from->n; i++)
        if (from->handles[i] == handle) {
            from->handles[i] = from->handles[--from->n];
            from->stale[from->n_stale++ % POOL] = handle;
            return;
        }
}

static void free_array(void *a)
{
    forget(&arrays, a);
    OK(mxg_ndarray_free(a));
}

static void free_function(void *f)
{
    forget(&functions, f);
    OK(mxg_function_free(f));
}

static void free_program(void *p)
{
    forget(&programs, p);
    OK(mxg_program_free(p));
}

static void free_object(void *o)
{
    forget(&objects, o);
    OK(mxg_object_free(o));
}

static void free_exported(void *managed)
{
    DLManagedTensorVersioned *m = managed;
    forget(&exported, managed);
    m->deleter(m);
}

/* Keeps a handle that a call gave; a full pool gives another one back. */
static void keep(pool *in, void *handle, void (*free_one)(void *))
{
    while (in->n == POOL)
        free_one(in->handles[below(POOL)]);
    in->handles[in->n++] = handle;
}

/* Large arrays would make this slow, and so would what goes through the rows of one without elements. */
static void keep_array(void *a)
{
    size_t nbytes;
    int64_t lengths[MAX_NDIM];
    int32_t ndim, i;
    int large;
    OK(mxg_ndarray_nbytes(a, &nbytes));
    OK(mxg_ndarray_shape(a, MAX_NDIM, lengths, &ndim));
    large = nbytes > MAX_BYTES;
    for (i = 0; i < ndim; i++)
        large = large || lengths[i] > MAX_BYTES;
    if (large)
        OK(mxg_ndarray_free(a));
    else
        keep(&arrays, a, free_array);
}

static void *some_op(void)
{
    static const char *const OFTEN[] = {
        "add", "multiply", "dot", "sum", "exp", "reshape", "concat", "split", "take", "where", "norm", "pick",
        "softmax", "transpose", "broadcast_to", "np.sum", "np.matmul", "np.concatenate", "random.uniform",
        "arange",
    };
    return percent(50) ? op(PICK(OFTEN)) : ops[below(n_ops)].handle;
}

static void *from_pool(const pool *p)
{
    if (p->n > 0 && percent(90))
        return p->handles[below(p->n)];
    if (p->n_stale > 0 && percent(50))
        return p->stale[below(p->n_stale < POOL ? p->n_stale : POOL)];
    return NULL;
}

/* A handle of the wanted kind, most often. */
static void *some_handle(const parameter *p)
{
    if (percent(3))
        return (void *)(uintptr_t)next();
    if (percent(3))
        return percent(30) ? some_op() : from_pool(percent(50) ? &arrays : percent(50) ? &functions : &objects);
    if (percent(2))
        return (void *)(uintptr_t)(percent(50) ? -1 : 0x7ffc12345678);
    return TYPE("mxg_op") ? some_op()
                          : from_pool(TYPE("mxg_function")  ? &functions
                                      : TYPE("mxg_object")  ? &objects
                                      : TYPE("mxg_program") ? &programs
                                                            : &arrays);
}

/* ---- arguments ---------------------------------------------------------------------------------------- */

static int64_t some_integer(void)
{
    static const int64_t INTEGERS[] = {
        0, 1, 2, 3, -1, -2, 7, 32, 33, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
    };
    return percent(70) ? below(4) : PICK(INTEGERS);
}

static int32_t some_count(void)
{
    static const int32_t WRONG[] = {-1, INT32_MIN};
    return percent(4) ? PICK(WRONG) : percent(80) ? 1 + below(2) : below(MAX_N + 1);
}

static double some_double(void)
{
    const double values[] = {
        0, -0.0, 1, -1, 0.5, 2, 3, 1e300, -1e-300, INFINITY, -INFINITY, NAN, 4294967296.0,
    };
    return PICK(values);
}

static const char *some_value(void)
{
    static const char *const VALUES_OF[] = {
        "0", "1", "2", "-1", "3", "0.5", "-2.5", "1e30", "nan", "inf", "True", "False", "None", "()", "(2,)",
        "(2, 3)", "(-1, 0)", "(0, 0)", "[0, 1]", "[[1]]", "{}", "{1: 2}", "float32", "float64", "int32",
        "float99", "write", "cpu(0)", "gpu(0)", "valid", "", " ", "'", "(", "((((((", "__import__('os')",
        "x y", "1000", "\xff", "\xc3\xb6", "-9223372036854775808", "1j", "b'a'", "...", "lambda: 0", "clip",
        "raise", "value",
    };
    return PICK(VALUES_OF);
}

static const char *some_key(void)
{
    static const char *const KEYS[] = {
        "axis", "axis", "axis", "keepdims", "shape", "dtype", "num_outputs", "depth", "num_hidden", "no_bias",
        "k", "mode", "size", "low", "high", "begin", "end", "step", "repeats", "reps", "a_min", "a_max",
        "start", "stop", "num", "ord", "exclude", "transpose_a", "scalar", "out", "name", "ctx", "self", "",
        "\xff", "axis ",
    };
    return PICK(KEYS);
}

static const char *some_text(const parameter *p)
{
    static const char *const DTYPES[] = {
        "float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool", "float33", "complex64",
        "O", "",
    };
    static const char *const CONTEXTS[] = {
        "cpu", "cpu(0)", "cpu(1)", "gpu(0)", "cpu(-1)", "tpu", "", "cpu(", "()",
    };
    static const char *const REQUESTS[] = {"write", "add", "null", "read", ""};
    /* in the current directory: files are written, and replaced, wherever a path points to */
    static const char *const PATHS[] = {
        "fuzz.params", "fuzz2.params", "missing/x.params", "foreign.params", ".",
    };
    /* nothing that writes elsewhere or changes what other calls do */
    static const char *const METHODS[] = {
        "", "asnumpy", "astype", "sum", "reshape", "shape", "dtype", "context", "tolist", "copy", "grad", "T",
        "nd.array", "nd.ones", "np.ones", "np.split", "nd.NDArray", "lr_scheduler.FactorScheduler",
        "lr_scheduler.LRScheduler", "lr_scheduler", "base_lr", "step", "warmup_steps", "get_warmup_lr",
        "init.Xavier", "dumps", "nothing", "_data", "__class__", "nd.", ".", "autograd.is_recording", "cpu",
        "base.os", "echo",
    };
    static const char *const NAMES[] = {
        "exp", "sum", "np.add", "summ", "", "x", "y", "np.", "npx.relu", "\xc3\xb6",
    };
    static char large[10000];
    if (percent(4))
        return NULL;
    if (percent(2))
        return "\xff\xfe";
    if (percent(1))
        return memset(large, 'n', sizeof large - 1);
    return NAME("dtype") ? PICK(DTYPES) : NAME("context") ? PICK(CONTEXTS) : NAME("path") ? PICK(PATHS)
         : NAME("method") || (NAME("name") && percent(50)) ? PICK(METHODS) : NAME("grad_req") || NAME("grad_reqs") ? PICK(REQUESTS) : NAME("keys") ? some_key()
         : NAME("vals") ? some_value() : PICK(NAMES);
}

/* Key, NUL, value, NUL, ..., sometimes damaged; the length goes into *size. */
static void some_block(char *slot, size_t *size)
{
    int n = below(3);
    for (*size = 0; n > 0; n--) {
        *size += (size_t)sprintf(slot + *size, "%s", some_key()) + 1;
        *size += (size_t)sprintf(slot + *size, "%s", some_value()) + 1;
    }
    if (percent(5) && *size > 0)
        slot[below((int)*size)] = (char)next();
    if (percent(5))
        *size = (size_t)below((int)*size + 1);
}

/* ---- DLPack: structures in one piece of memory, which the deleter frees ------------------------------- */

typedef struct {
    DLManagedTensor managed;
    DLManagedTensorVersioned versioned;
    int64_t shape[4], strides[4];
    double data[256];
} foreign;

static int n_foreign, foreign_is_versioned;
static foreign *last_foreign;

static void delete_managed(DLManagedTensor *m)
{
    free(m->context);
    n_foreign--;
}

static void delete_versioned(DLManagedTensorVersioned *m)
{
    free(m->context);
    n_foreign--;
}

static void *some_foreign(void)
{
    static const uint8_t BITS[] = {8, 16, 32, 32, 64, 64, 7, 0};
    foreign *f = calloc(1, sizeof *f);
    DLTensor t = {0};
    int i;
    CHECK(f != NULL);
    n_foreign++;
    last_foreign = f;
    t.data = f->data;
    t.device_type = percent(95) ? 1 : 2;
    t.ndim = percent(95) ? below(4) : percent(50) ? -1 : 33;
    t.type_code = (uint8_t)(percent(80) ? 2 : below(8));
    t.bits = PICK(BITS);
    t.lanes = percent(97) ? 1 : 2;
    t.shape = f->shape;
    t.strides = percent(50) ? f->strides : NULL;
    for (i = 0; i < 4; i++) {
        f->shape[i] = percent(97) ? below(4) : -1;
        f->strides[i] = below(5);
    }
    t.byte_offset = (uint64_t)below(3) * 8;
    f->managed.tensor = f->versioned.tensor = t;
    f->managed.context = f->versioned.context = f;
    f->managed.deleter = delete_managed;
    f->versioned.deleter = delete_versioned;
    f->versioned.major = percent(95) ? 1 : 2;
    f->versioned.flags = percent(90) ? 0 : 1;
    foreign_is_versioned = percent(50);
    return foreign_is_versioned ? (void *)&f->versioned : (void *)&f->managed;
}

/* ---- callbacks ---------------------------------------------------------------------------------------- */

static int alive; /* contexts of custom functions */

static void deleter(void *ctx)
{
    CHECK(*(int *)ctx == 1);
    free(ctx);
    alive--;
}

static void random_call(void);

static int callback(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    int32_t i;
    CHECK(*(int *)ctx == 1);
    if (depth < 3 && percent(30))
        random_call();
    if (n_in > 0 && percent(50))
        (void)mxg_save_for_backward(1, in);
    for (i = 0; i < n_out; i++)
        if (n_in > 0 && percent(90))
            (void)mxg_ndarray_dup(in[below(n_in)], &out[i]);
        else if (percent(20))
            out[i] = (mxg_ndarray)(uintptr_t)next();
        else if (percent(20) && n_in > 0)
            out[i] = in[0];
    if (percent(5))
        return (int)some_integer();
    return percent(5) ? mxg_set_error((int)some_integer(), some_value()) : MXG_OK;
}

/* ---- values ------------------------------------------------------------------------------------------- */

static int echo(void *ctx, int32_t n_args, const mxg_value *args, const mxg_value *named, mxg_value *result)
{
    CHECK(*(int *)ctx == 1);
    CHECK(named->kind == MXG_IS_NONE || named->kind == MXG_IS_DICT);
    if (depth < 3 && percent(30))
        random_call();
    if (percent(10))
        return (int)some_integer();
    if (n_args > 0 && args[0].kind <= MXG_IS_DOUBLE)
        *result = args[0];
    return percent(80) ? MXG_OK : mxg_value_string("text", -1, result);
}

static mxg_value spare_values[512];
static mxg_callable spare_callables[64];
static int n_spare_values, n_spare_callables, n_args; /* n_args: the count before `args` */

static int32_t some_kind(int inside)
{
    return percent(97) ? below(inside < 3 ? 11 : 8) : 11 + below(9);
}

/* A value of a kind; what it points to lasts for the call. */
static mxg_value some_whole_value(int inside, int32_t kind)
{
    static const char *const TEXTS[] = {"", "text", "float32", "base_lr", "axis", "\xff", "\xc3\xb6"};
    mxg_value v = {0};
    int i;
    v.kind = kind;
    v.number = some_integer();
    v.real = some_double();
    switch (v.kind) {
    case MXG_IS_STRING:
    case MXG_IS_BYTES:
        v.at = percent(97) ? PICK(TEXTS) : NULL;
        v.count = percent(90) ? v.at != NULL ? (int32_t)strlen(v.at) : 0 : percent(50) ? -1 : -2;
        break;
    case MXG_IS_NDARRAY:
        v.at = percent(95) ? from_pool(&arrays) : (void *)(uintptr_t)next();
        break;
    case MXG_IS_OBJECT:
        v.at = percent(95) ? from_pool(&objects) : (void *)(uintptr_t)next();
        break;
    case MXG_IS_LIST:
    case MXG_IS_DICT:
        v.count = percent(95) ? below(5) : (int32_t)-percent(50);
        if (v.kind == MXG_IS_DICT && percent(80))
            v.count &= ~1;
        if (n_spare_values + 5 > LENGTH(spare_values))
            v.count = 0;
        v.at = spare_values + n_spare_values;
        n_spare_values += 5;
        for (i = 0; i < v.count; i++)
            ((mxg_value *)(intptr_t)v.at)[i] =
                v.kind == MXG_IS_DICT && i % 2 == 0 && percent(80)
                    ? (mxg_value)MXG_NEW_STRING(PICK(TEXTS))
                    : some_whole_value(inside + 1, some_kind(inside + 1));
        break;
    case MXG_IS_CALLABLE:
        v.at = NULL;
        if (percent(95) && n_spare_callables < LENGTH(spare_callables)) {
            mxg_callable *c = &spare_callables[n_spare_callables++];
            c->function = echo;
            c->ctx = malloc(sizeof(int));
            c->del = deleter;
            CHECK(c->ctx != NULL);
            *(int *)c->ctx = 1;
            alive++;
            v.at = c;
        }
        break;
    default:
        break;
    }
    return v;
}

/* The same for an argument, most often of the kind that is wanted. */
static mxg_value some_value_for(const parameter *p)
{
    mxg_value v = {0};
    if (NAME("target") || NAME("iterator") || NAME("base")) {
        const int object = !NAME("target") || percent(60);
        v.kind = object ? MXG_IS_OBJECT : MXG_IS_NDARRAY;
        v.at = from_pool(object ? &objects : &arrays);
        return percent(90) ? v : some_whole_value(3, some_kind(3));
    }
    if (NAME("key"))
        return some_whole_value(3, some_kind(3));
    return some_whole_value(0, (NAME("named") || NAME("methods")) && percent(80) ? MXG_IS_DICT : some_kind(0));
}

/* The contexts of callables that a call which never got to them did not take over. */
static void give_up_callables(int from, int to)
{
    int i;
    for (i = from; i < to; i++)
        deleter(spare_callables[i].ctx);
}

/* Keeps the handles in a result, in which strings and lists go. */
static void keep_values(mxg_value *v)
{
    int32_t i;
    if (v->kind == MXG_IS_LIST || v->kind == MXG_IS_DICT)
        for (i = 0; i < v->count; i++)
            keep_values((mxg_value *)(intptr_t)v->at + i);
    if (v->kind == MXG_IS_NDARRAY)
        keep_array((void *)(intptr_t)v->at);
    if (v->kind == MXG_IS_OBJECT)
        keep(&objects, (void *)(intptr_t)v->at, free_object);
    if (v->kind == MXG_IS_NDARRAY || v->kind == MXG_IS_OBJECT)
        v->kind = MXG_IS_NONE;
}

/* ---- one call ----------------------------------------------------------------------------------------- */

/* What the arguments of a call point to; calls nest. */
static char memory[4][MAX_PARAMETERS][SLOT];

static value some_argument(const function *f, int k, size_t *block_size)
{
    /* what is not refused fits into the data */
    static const int64_t SIZES[] = {5, 7, -1, INT64_C(1) << 40, INT64_MAX, INT64_MIN};
    const parameter *p = &f->parameters[k];
    char *slot = memory[depth][k];
    value v = {NULL};
    int i;

    if (is_handle(p))
        v.p = some_handle(p);
    else if (TYPE("const mxg_value *")) {
        if (!percent(NAME("target") ? 30 : 2))
            for (v.p = slot, i = 0; i < (NAME("args") ? n_args : 1); i++)
                ((mxg_value *)slot)[i] = some_value_for(p);
    } else if (TYPE("mxg_value *"))
        v.p = percent(98) ? memset(slot, strcmp(f->name, "mxg_value_clear") == 0 ? 0 : 0x5a, sizeof(mxg_value))
                          : NULL;
    else if (is_callback(p)) {
        if (TYPE("mxg_deleter"))
            v.deleter = deleter;
        else if (percent(97))
            v.callback = callback;
    } else if (NAME("ctx")) {
        v.p = malloc(sizeof(int));
        CHECK(v.p != NULL);
        *(int *)v.p = 1;
        alive++;
    } else if (TYPE("void *") && NAME("managed"))
        v.p = some_foreign();
    else if (NAME("versioned"))
        v.i = foreign_is_versioned;
    else if (TYPE("const char *") && !NAME("params"))
        v.p = (void *)some_text(p);
    else if (is_pointer(p) && percent(2))
        v.p = NULL;
    else if (TYPE("const mxg_ndarray *"))
        for (v.p = slot, i = 0; i < MAX_N; i++)
            ((void **)slot)[i] = percent(97) ? from_pool(&arrays) : some_handle(p);
    else if (TYPE("const char *const *"))
        for (v.p = slot, i = 0; i < MAX_N; i++)
            ((const char **)slot)[i] = some_text(p);
    else if (TYPE("const int64_t *"))
        for (v.p = slot, i = 0; i < 40; i++)
            ((int64_t *)slot)[i] = !NAME("shape") ? some_integer() : percent(97) ? below(4) : PICK(SIZES);
    else if (TYPE("const int32_t *"))
        for (v.p = slot, i = 0; i < MAX_N; i++)
            ((int32_t *)slot)[i] = percent(20);
    else if (TYPE("const mxg_options *")) {
        mxg_options options = {(uint32_t)below(64), (uint32_t)next(), "/nonexistent"};
        v.p = memcpy(slot, &options, sizeof options);
    } else if (NAME("params")) {
        v.p = slot;
        some_block(slot, block_size);
    } else if (NAME("params_bytes"))
        v.i = (int64_t)*block_size;
    else if (is_pointer(p)) {
        v.p = slot;
        for (i = 0; i < 64; i++) /* data, and garbage in what the call is to write */
            ((float *)slot)[i] = percent(90) ? (float)below(10) : (float)some_double();
        if (NAME("n_out"))
            *(int32_t *)slot = some_count();
    } else if (TYPE("size_t"))
        v.i = NAME("nbytes") ? 4 * below(16) : percent(50) ? SLOT : below(100);
    else if (TYPE("double"))
        v.d = some_double();
    else if (NAME("ndim"))
        v.i = percent(95) ? below(4) : some_integer();
    else if (NAME("cap") || (TYPE("int32_t") && p->name[0] == 'n'))
        v.i = n_args = some_count();
    else if (NAME("count")) /* of the text or bytes beside it */
        v.i = below(3) - percent(10);
    else if (NAME("token"))
        v.i = percent(80) ? PICK(scopes) : (int64_t)next();
    else if (NAME("create_graph"))
        v.i = percent(30);
    else
        v.i = some_integer();
    return v;
}

static int32_t count_named(const function *f, const value *v, const char *name)
{
    int i;
    for (i = 0; i < f->n; i++)
        if (strcmp(f->parameters[i].name, name) == 0)
            return strchr(f->parameters[i].type, '*') ? v[i].p ? *(int32_t *)v[i].p : 0 : (int32_t)v[i].i;
    return 1;
}

/* How many handles may be behind an out parameter. */
static int32_t room(const function *f, const parameter *p, const value *v)
{
    if (TYPE("mxg_op *") || TYPE("mxg_function *") || TYPE("mxg_object *") || TYPE("mxg_program *"))
        return 1;
    if (NAME("a"))
        return count_named(f, v, "cap");
    if (strcmp(f->name, "mxg_grad_of") == 0)
        return count_named(f, v, "n_vars");
    return count_named(f, v, "n_out");
}

/* The pools learn what the call freed. */
static void learn_freed(const function *f, const value *v, int status)
{
    int32_t i;
    if (strcmp(f->name, "mxg_ndarray_free") == 0 && status == MXG_OK)
        forget(&arrays, v[0].p);
    if (strcmp(f->name, "mxg_function_free") == 0 && status == MXG_OK)
        forget(&functions, v[0].p);
    if (strcmp(f->name, "mxg_program_free") == 0 && status == MXG_OK)
        forget(&programs, v[0].p);
    if (strcmp(f->name, "mxg_program_begin") == 0 && status == MXG_OK)
        begun = below(8);
    if (strcmp(f->name, "mxg_object_free") == 0 && status == MXG_OK)
        forget(&objects, v[0].p);
    if (strcmp(f->name, "mxg_ndarray_free_n") == 0 && v[1].p != NULL)
        for (i = 0; i < (int32_t)v[0].i; i++)
            forget(&arrays, ((void **)v[1].p)[i]);
}

static void learn_given(const parameter *p, void *slot, int32_t n)
{
    void **handles = slot;
    int32_t i;
    if (TYPE("mxg_ndarray *"))
        for (i = 0; i < n; i++)
            if (handles[i] != NULL)
                keep_array(handles[i]);
    if (TYPE("mxg_function *"))
        keep(&functions, handles[0], free_function);
    if (TYPE("mxg_program *"))
        keep(&programs, handles[0], free_program);
    if (TYPE("mxg_object *"))
        keep(&objects, handles[0], free_object);
    if (TYPE("mxg_value *")) {
        keep_values(slot);
        OK(mxg_value_clear(slot));
    }
    if (TYPE("void **") && NAME("managed"))
        keep(&exported, handles[0], free_exported);
    if (TYPE("int64_t *") && NAME("token"))
        scopes[below(LENGTH(scopes))] = *(int64_t *)slot;
}

static void print_call(const function *f, const value *v)
{
    int i, j;
    fprintf(stderr, "call %ld, inside %d: %s\n", calls, depth, f->name);
    for (i = 0; i < f->n; i++) {
        const parameter *p = &f->parameters[i];
        fprintf(stderr, "    %s = 0x%llx", p->name, (unsigned long long)v[i].i);
        for (j = 0; TYPE("mxg_op") && j < n_ops; j++)
            if (ops[j].handle == v[i].p)
                fprintf(stderr, " %s", ops[j].name);
        if (TYPE("const char *") && v[i].p != NULL)
            fprintf(stderr, " \"%.40s\"", (const char *)v[i].p);
        for (j = 0; TYPE("const char *const *") && v[i].p != NULL && j < MAX_N; j++) {
            const char *text = ((const char **)v[i].p)[j];
            fprintf(stderr, " \"%.40s\"", text != NULL ? text : "NULL");
        }
        fputc('\n', stderr);
    }
}

/* The call that is being made. */
static const function *running;
static value running_values[MAX_PARAMETERS];

static void on_alarm(int number)
{
    (void)number;
    fprintf(stderr, "this call does not return:\n");
    print_call(running, running_values);
    _exit(1);
}

static void random_call(void)
{
    const function *f = &FUNCTIONS[below(N_FUNCTIONS)];
    size_t block_size = 0;
    int32_t rooms[MAX_PARAMETERS] = {0};
    value v[MAX_PARAMETERS];
    int i, status, callables, made;

    if (begun-- == 0) /* or else most calls would fail */
        (void)mxg_program_end(0, NULL, NULL);
    if (depth == 0)
        n_spare_values = n_spare_callables = 0;
    callables = n_spare_callables;
    if (percent(30)) /* what makes, or runs, arrays */
        do
            f = &FUNCTIONS[below(N_FUNCTIONS)];
        while (strncmp(f->name, "mxg_invoke", 10) != 0 && strncmp(f->name, "mxg_ndarray_f", 13) != 0);
    for (i = 0; i < f->n; i++)
        v[i] = some_argument(f, i, &block_size);
    for (i = 0; i < f->n; i++)
        if (gives_handles(&f->parameters[i]) && v[i].p != NULL)
            rooms[i] = room(f, &f->parameters[i], v);
    if (verbose)
        print_call(f, v);
    calls++;
    depth++;
    running = f;
    memcpy(running_values, v, sizeof running_values);
    alarm(SECONDS);
    made = n_spare_callables;
    status = f->call(v);
    depth--;
    if (verbose)
        fprintf(stderr, "    -> %s %s\n", mxg_status_name(status), status != MXG_OK ? mxg_last_error() : "");
    if (status > 0 || status < -14)
        check_failed(__FILE__, __LINE__, "%s returned %d", f->name, status);
    if (status == MXG_ERR_INTERNAL || status == MXG_ERR_INIT || status == MXG_ERR_SHUTDOWN)
        check_failed(__FILE__, __LINE__, "%s: %s", f->name, mxg_status_name(status));
    by_status[-status]++;
    if (status == MXG_ERR_VALUE && strstr(mxg_last_error(), ": mxg_") != NULL)
        give_up_callables(callables, made);
    learn_freed(f, v, status);
    if (status != MXG_OK) {
        failures++;
        if (mxg_last_code() != status || *mxg_last_error() == 0 || *mxg_last_type() == 0)
            check_failed(__FILE__, __LINE__, "%s: %s is not recorded", f->name, mxg_status_name(status));
        if (percent(10))
            CHECK(mxg_last_traceback() != NULL);
    }
    for (i = 0; i < f->n; i++) {
        const parameter *p = &f->parameters[i];
        int32_t j, n = rooms[i];
        if (status == MXG_OK && v[i].p != NULL && is_pointer(p))
            learn_given(p, v[i].p, n);
        for (j = 0; status != MXG_OK && j < n; j++)
            if (((void **)v[i].p)[j] != NULL)
                check_failed(__FILE__, __LINE__, "%s: %s[%d] is not NULL", f->name, p->name, (int)j);
        if (NAME("ctx") && status != MXG_OK)
            deleter(v[i].p);
        if (TYPE("void *") && NAME("managed") && status != MXG_OK) {
            free(last_foreign);
            n_foreign--;
        }
    }
}

/* Frees what Python's errors hold in cycles, as Python itself does now and then. */
static void collect_garbage(void)
{
    int (*ensure)(void);
    void (*release)(int);
    long (*collect)(void);
    int gil;
    *(void **)&ensure = dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
    *(void **)&release = dlsym(RTLD_DEFAULT, "PyGILState_Release");
    *(void **)&collect = dlsym(RTLD_DEFAULT, "PyGC_Collect");
    CHECK(ensure != NULL && release != NULL && collect != NULL);
    gil = ensure();
    collect();
    release(gil);
}

/* Ends a round: everything is given back, and nothing is left. */
static void give_back(void)
{
    int64_t count;
    while (arrays.n > 0)
        free_array(arrays.handles[0]);
    while (functions.n > 0)
        free_function(functions.handles[0]);
    while (objects.n > 0)
        free_object(objects.handles[0]);
    while (programs.n > 0)
        free_program(programs.handles[0]);
    while (exported.n > 0)
        free_exported(exported.handles[0]);
    (void)mxg_program_end(0, NULL, NULL);
    collect_garbage();
    OK(mxg_live(0, &count));
    if (count != 0)
        check_failed(__FILE__, __LINE__, "%lld handles are left after %ld calls", (long long)count, calls);
    if (alive != 0 || n_foreign != 0)
        check_failed(__FILE__, __LINE__, "after %ld calls %d contexts, %d DLPack tensors are left", calls,
                     alive, n_foreign);
}

int main(int argc, char **argv)
{
    const struct rlimit limit = {(rlim_t)4 << 30, (rlim_t)4 << 30};
    long total;
    FILE *file;
    int i;

    CHECK(argc >= 3);
    state = strtoull(argv[1], NULL, 10) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    total = atol(argv[2]);
    verbose = argc > 3;
    OK(mxg_init(NULL));
    OK(mxg_op_count(&n_ops));
    CHECK(n_ops <= LENGTH(ops));
    for (i = 0; i < n_ops; i++)
        OK(mxg_op_at(i, &ops[i].handle, &ops[i].name));
    signal(SIGALRM, on_alarm);
    setrlimit(RLIMIT_AS, &limit); /* absurd sizes are refused everywhere */
    CHECK((file = fopen("foreign.params", "w")) != NULL);
    fputs("something else", file);
    fclose(file);
    while (calls < total) {
        long end = calls + ROUND;
        while (calls < end)
            random_call();
        OK(mxg_set_recording(0, NULL));
        OK(mxg_set_training(0, NULL));
        give_back();
    }
    CHECK(failures > calls / 10 && failures < calls * 8 / 10); /* both paths were taken */
    for (i = 0; verbose && i < LENGTH(by_status); i++)
        fprintf(stderr, "%-20s %ld\n", mxg_status_name(-i), by_status[i]);
    return 0;
}
