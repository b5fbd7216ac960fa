/* Every function with NULL for each pointer, and with handles of every wrong kind.
 *
 * Each is first called with arguments that are right, so that it succeeds; then one argument is made wrong,
 * and the call has to fail with the right status, leave what it points to alone, and keep no handle.
 */
#include "calls.h"

/* "function parameter": NULL is right there, as the header says. */
static const char *const OPTIONAL[] = {
    "mxg_attach_grad grad_req", "mxg_backward head_grads", "mxg_call method", "mxg_call named",
    "mxg_call result", "mxg_enter result", "mxg_function_free f", "mxg_function_new ctx", "mxg_get target",
    "mxg_function_new del", "mxg_function_new name", "mxg_grad_of head_grads", "mxg_info need",
    "mxg_init options", "mxg_load need", "mxg_mark_variables grad_reqs", "mxg_ndarray_assign_slice drop",
    "mxg_ndarray_assign_slice step", "mxg_ndarray_free a", "mxg_ndarray_from_data context",
    "mxg_ndarray_from_data dtype", "mxg_ndarray_full context", "mxg_ndarray_full dtype",
    "mxg_ndarray_ones context", "mxg_ndarray_ones dtype", "mxg_ndarray_scalar context",
    "mxg_ndarray_scalar dtype", "mxg_ndarray_slice drop", "mxg_ndarray_slice step", "mxg_ndarray_text need",
    "mxg_ndarray_zeros context", "mxg_ndarray_zeros dtype", "mxg_object_free o", "mxg_object_parameters need",
    "mxg_object_text need", "mxg_op_info need", "mxg_program_end p", "mxg_program_free p", "mxg_save names",
    "mxg_set_error message", "mxg_set_location file", "mxg_set_recording previous",
    "mxg_set_training previous", "mxg_symbol_json need", "mxg_symbol_text need", "mxg_value_clear value",
};

/* The same for a NULL in the array that the parameter points to. */
static const char *const OPTIONAL_ENTRY[] = {
    "mxg_backward head_grads", "mxg_grad_of head_grads", "mxg_ndarray_assign_index index",
    "mxg_ndarray_free_n a", "mxg_ndarray_index index",
};

static int listed(const char *const *list, int n, const function *f, const parameter *p)
{
    char text[128];
    int i;
    snprintf(text, sizeof text, "%s %s", f->name, p->name);
    for (i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0)
            return 1;
    return 0;
}

/* ---- arguments that are right -------------------------------------------------------------------------- */

static mxg_ndarray one, variable, recorded, index0; /* templates: [1], x = [1], x * x, int64 [0] */

/* Memory that arguments point to, a slot for each parameter, and the handles made for one call. */
static char memory[MAX_PARAMETERS][65536];
static mxg_ndarray made[16];
static int n_made;
static mxg_function made_function;
static mxg_object made_object;
static mxg_program made_program;
static int64_t made_scope;
static DLManagedTensorVersioned *made_managed;
static mxg_value scheduler, scheduler_class, context, made_iterator; /* templates, an iterator for one call */

static mxg_ndarray fresh(mxg_ndarray a)
{
    CHECK(n_made < LENGTH(made));
    OK(mxg_ndarray_dup(a, &made[n_made]));
    return made[n_made++];
}

/* A copy, so that what the call does to it harms nobody. */
static mxg_ndarray fresh_one(void)
{
    CHECK(n_made < LENGTH(made));
    OK(mxg_invoke1(op("identity"), one, &made[n_made]));
    return made[n_made++];
}

static int identity(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)ctx, (void)n_in, (void)n_out;
    return mxg_ndarray_dup(in[0], &out[0]);
}

static void no_deleter(void *ctx)
{
    (void)ctx;
}

static mxg_ndarray good_array(const function *f, const parameter *p)
{
    if (strncmp(f->name, "mxg_symbol", 10) == 0 || NAME("heads"))
        return fresh(recorded);
    if (NAME("index"))
        return fresh(index0);
    if (strcmp(f->name, "mxg_grad_of") == 0 && NAME("variables"))
        return fresh(variable);
    return fresh_one();
}

static const char *good_text(const function *f, const parameter *p)
{
    if (NAME("dtype"))
        return "float32";
    if (NAME("context"))
        return "cpu(0)";
    if (NAME("grad_req") || NAME("grad_reqs"))
        return "write";
    if (NAME("path"))
        return strcmp(f->name, "mxg_load") == 0 ? "there.params" : "written.params";
    if (strcmp(f->name, "mxg_get") == 0)
        return "context"; /* which an array and the package have */
    if (strcmp(f->name, "mxg_set") == 0)
        return "base_lr";
    if (strcmp(f->name, "mxg_object_is_a") == 0)
        return "lr_scheduler.LRScheduler";
    if (NAME("method"))
        return ""; /* the object itself is called */
    if (NAME("keys"))
        return "axis";
    if (NAME("vals"))
        return "0";
    if (NAME("params"))
        return "axis\0" "0";
    if (NAME("name") || NAME("names") || NAME("file") || NAME("message") || NAME("text"))
        return "exp";
    check_failed(__FILE__, __LINE__, "%s: what is a right %s?", f->name, p->name);
}

static mxg_value good_value(const function *f, const parameter *p)
{
    mxg_value v = MXG_NEW_INT(0);
    if (NAME("named") || NAME("methods"))
        v.kind = MXG_IS_DICT;
    else if (NAME("base"))
        v = scheduler_class;
    else if (strcmp(f->name, "mxg_set") == 0 || strcmp(f->name, "mxg_call") == 0)
        v = NAME("target") ? scheduler : v;
    else if (strcmp(f->name, "mxg_enter") == 0 || strcmp(f->name, "mxg_exit") == 0) {
        v = context;
        OK(mxg_enter(&v, NULL)); /* for mxg_exit */
    } else if (NAME("iterator") && strcmp(f->name, "mxg_next") == 0) {
        mxg_value a = MXG_NEW_NDARRAY(one);
        OK(mxg_iterate(&a, &made_iterator));
        v = made_iterator;
    } else if (NAME("target"))
        v = (mxg_value)MXG_NEW_NDARRAY(fresh_one());
    return v;
}

static int64_t good_integer(const function *f, const parameter *p)
{
    static const struct {
        const char *name;
        int64_t i;
    } VALUES_OF[] = {
        {"n", 1}, {"n_heads", 1}, {"n_in", 1}, {"n_out", 1}, {"n_params", 1}, {"n_vars", 1}, {"ndim", 1},
        {"params_bytes", 7}, {"nbytes", 4}, {"cap", 16}, {"names_cap", 1024}, {"code", MXG_ERR_VALUE},
        {"create_graph", 0}, {"line", 1}, {"on", 0}, {"retain", 1}, {"reversed", 0}, {"train", 1},
        {"versioned", 1}, {"i", 0}, {"kind", 0}, {"recording", 0}, {"training", 0}, {"seed", 1},
        {"n_args", 1}, {"count", 2}, {"dict", 0}, {"is_error", 0},
    };
    int k;
    if (TYPE("size_t") && NAME("cap"))
        return sizeof memory[0];
    if (NAME("token")) {
        OK(mxg_scope_begin(0, 0, &made_scope));
        return made_scope;
    }
    for (k = 0; k < LENGTH(VALUES_OF); k++)
        if (NAME(VALUES_OF[k].name))
            return VALUES_OF[k].i;
    check_failed(__FILE__, __LINE__, "%s: what is a right %s?", f->name, p->name);
}

static value good(const function *f, int k)
{
    const parameter *p = &f->parameters[k];
    void *slot = memory[k];
    value v = {NULL};

    memset(slot, 0x5A, 1024);
    if (k == 0 && strcmp(f->name, "mxg_program_end") == 0)
        OK(mxg_program_begin(0, NULL));
    if (TYPE("mxg_ndarray"))
        v.p = good_array(f, p);
    else if (TYPE("mxg_op"))
        v.p = op(strstr(f->name, "invoke2") || strstr(f->name, "invoke_scalar") ? "multiply" : "sum");
    else if (TYPE("mxg_function")) {
        OK(mxg_function_new(NULL, identity, identity, NULL, NULL, &made_function));
        v.p = made_function;
    } else if (TYPE("mxg_program")) {
        mxg_ndarray a = fresh_one();
        OK(mxg_program_begin(1, &a));
        OK(mxg_program_end(1, &a, &made_program));
        v.p = made_program;
    } else if (TYPE("const mxg_ndarray *")) {
        v.p = slot;
        *(mxg_ndarray *)slot = good_array(f, p);
    } else if (TYPE("const char *"))
        v.p = (void *)good_text(f, p);
    else if (TYPE("const char *const *")) {
        v.p = slot;
        *(const char **)slot = good_text(f, p);
    } else if (TYPE("const int64_t *") || TYPE("const int32_t *")) {
        v.p = slot; /* shape and end are {1}, begin and drop {0}, step is {1} */
        memset(slot, 0, 8);
        *(char *)slot = NAME("shape") || NAME("end") || NAME("step");
    } else if (TYPE("const mxg_options *")) {
        v.p = slot;
        memset(slot, 0, sizeof(mxg_options));
        ((mxg_options *)slot)->struct_size = sizeof(mxg_options);
    } else if (NAME("managed") && TYPE("void *")) {
        mxg_ndarray a = fresh_one();
        OK(mxg_ndarray_to_dlpack(a, &v.p));
        made_managed = v.p;
    } else if (TYPE("mxg_object")) {
        OK(mxg_object_dup((mxg_object)(intptr_t)scheduler.at, &made_object));
        v.p = made_object;
    } else if (TYPE("const mxg_value *")) {
        mxg_value right = good_value(f, p);
        v.p = memcpy(slot, &right, sizeof right);
    } else if (strcmp(f->name, "mxg_value_clear") == 0) {
        v.p = memset(slot, 0, sizeof(mxg_value));
    } else if (TYPE("const void *") || TYPE("void *"))
        v.p = slot;
    else if (is_pointer(p)) {
        v.p = slot;
        if (NAME("n_out"))
            *(int32_t *)slot = 4;
    } else if (TYPE("mxg_callback"))
        v.callback = identity;
    else if (TYPE("mxg_deleter"))
        v.deleter = no_deleter;
    else if (TYPE("double"))
        v.d = 2.5;
    else
        v.i = good_integer(f, p);
    return v;
}

/* ---- one call ------------------------------------------------------------------------------------------ */

static const function *current;
static const char *wrong_name = "", *wrong_value = "";

__attribute__((format(printf, 2, 3), noreturn)) static void wrong(int line, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    check_failed(__FILE__, line, "%s(%s = %s): %s", current->name, wrong_name, wrong_value, text);
}

/* Gives back what a successful call gave. */
static void give_back(const parameter *p, void *slot)
{
    mxg_ndarray *arrays = slot;
    if (TYPE("mxg_ndarray *")) /* one, or none where there is no gradient */
        OK(mxg_ndarray_free(arrays[0]));
    else if (TYPE("mxg_function *"))
        OK(mxg_function_free(*(mxg_function *)slot));
    else if (TYPE("mxg_program *"))
        OK(mxg_program_free(*(mxg_program *)slot));
    else if (TYPE("mxg_object *"))
        OK(mxg_object_free(*(mxg_object *)slot));
    else if (TYPE("mxg_value *"))
        OK(mxg_value_clear(slot));
    else if (TYPE("int64_t *") && NAME("token"))
        OK(mxg_scope_end(*(int64_t *)slot));
    else if (TYPE("void **") && NAME("managed")) {
        DLManagedTensorVersioned *m = *(void **)slot;
        m->deleter(m);
    }
}

/* Frees what was made for the call, except what the call itself freed. */
static void clean_up(int status)
{
    int i;
    for (i = 0; i < n_made; i++)
        (void)mxg_ndarray_free(made[i]);
    n_made = 0;
    if (made_function != NULL)
        (void)mxg_function_free(made_function);
    made_function = NULL;
    (void)mxg_program_end(0, NULL, NULL);
    (void)mxg_program_free(made_program);
    made_program = NULL;
    if (made_object != NULL)
        (void)mxg_object_free(made_object);
    made_object = NULL;
    (void)mxg_value_clear(&made_iterator);
    if (made_scope != 0)
        (void)mxg_scope_end(made_scope);
    made_scope = 0;
    if (made_managed != NULL && status != MXG_OK)
        made_managed->deleter(made_managed);
    made_managed = NULL;
}

/* Calls the current function with right arguments, but the k-th is `bad` (or its first entry, if `entry`). */
static void call(int k, value bad, int entry, int expected)
{
    static char before[MAX_PARAMETERS][1024];
    const function *f = current;
    /* how many handles there is room for */
    const int no_count = k >= 0 && strncmp(f->parameters[k].type, "int32_t", 7) == 0;
    int64_t live_before = live();
    value v[MAX_PARAMETERS];
    int i, status;

    for (i = 0; i < f->n; i++)
        v[i] = good(f, i);
    if (k >= 0 && entry)
        *(void **)v[k].p = bad.p;
    else if (k >= 0)
        v[k] = bad;
    for (i = 0; i < f->n; i++)
        memcpy(before[i], memory[i], sizeof before[i]);
    status = f->call(v);
    if (status != expected)
        wrong(__LINE__, "%s, not %s", mxg_status_name(status), mxg_status_name(expected));
    if (status != MXG_OK && (*mxg_last_error() == 0 || mxg_last_code() != status))
        wrong(__LINE__, "the error is not recorded");
    for (i = 0; i < f->n; i++) {
        const parameter *p = &f->parameters[i];
        if (v[i].p != memory[i])
            continue;
        if (status == MXG_OK)
            give_back(p, memory[i]);
        else if (gives_handles(p) && *(void **)memory[i] != NULL && !no_count)
            wrong(__LINE__, "%s is not NULL after an error", p->name);
        else if (TYPE("mxg_value *") && ((mxg_value *)memory[i])->kind != MXG_IS_NONE)
            wrong(__LINE__, "%s is not none after an error", p->name);
        else if (is_out(p) && !TYPE("void **") && memcmp(memory[i], before[i], sizeof before[i]) != 0)
            wrong(__LINE__, "%s has changed in spite of an error", p->name);
    }
    clean_up(status);
    if (live() != live_before)
        wrong(__LINE__, "%lld handles more than before", (long long)(live() - live_before));
}

static void with(int k, void *bad, int entry, const char *text, int expected)
{
    value v = {NULL};
    v.p = bad;
    wrong_name = current->parameters[k].name;
    wrong_value = text;
    call(k, v, entry, expected);
}

/* A handle that is none, of any kind. */
static void bad_handles(int k, int entry)
{
    const parameter *p = &current->parameters[k];
    uint64_t random = 88172645463325252u;
    mxg_ndarray stale = FLOATS(1);
    mxg_function f;
    int i;

    FREE(stale);
    with(k, (void *)-1, entry, "-1", MXG_ERR_HANDLE);
    with(k, (void *)1, entry, "1", MXG_ERR_HANDLE);
    with(k, (void *)INTPTR_MIN, entry, "INTPTR_MIN", MXG_ERR_HANDLE);
    with(k, (void *)INTPTR_MAX, entry, "INTPTR_MAX", MXG_ERR_HANDLE);
    with(k, stale, entry, "stale", MXG_ERR_HANDLE);
    with(k, &stale, entry, "address on the stack", MXG_ERR_HANDLE);
    with(k, memory, entry, "address of data", MXG_ERR_HANDLE);
    if (!TYPE("mxg_op"))
        with(k, op("sum"), entry, "operator", MXG_ERR_HANDLE);
    if (!TYPE("mxg_object"))
        with(k, (void *)(intptr_t)scheduler.at, entry, "object", MXG_ERR_HANDLE);
    if (!TYPE("mxg_ndarray") && !TYPE("const mxg_ndarray *"))
        with(k, one, entry, "array", MXG_ERR_HANDLE);
    if (!TYPE("mxg_function")) {
        OK(mxg_function_new(NULL, identity, identity, NULL, NULL, &f));
        with(k, f, entry, "custom function", MXG_ERR_HANDLE);
        OK(mxg_function_free(f));
        with(k, f, entry, "freed custom function", MXG_ERR_HANDLE);
    }
    for (i = 0; i < 20; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        with(k, (void *)(uintptr_t)random, entry, "random", MXG_ERR_HANDLE);
    }
}

static void check_function(const function *f)
{
    const value none = {NULL};
    int k;

    current = f;
    wrong_name = wrong_value = "";
    call(-1, none, 0, MXG_OK);
    for (k = 0; k < f->n; k++) {
        const parameter *p = &f->parameters[k];
        int optional = listed(OPTIONAL, LENGTH(OPTIONAL), f, p);
        if (is_pointer(p) || is_callback(p) || is_handle(p))
            with(k, NULL, 0, "NULL", optional                                               ? MXG_OK
                                     : is_handle(p)                                         ? MXG_ERR_HANDLE
                                     : strcmp(f->name, "mxg_call") == 0 && NAME("target") ? MXG_ERR_TYPE
                                                                                            : MXG_ERR_VALUE);
        else if (optional)
            wrong(__LINE__, "%s is listed as optional, and no pointer", p->name);
        if (is_handle(p))
            bad_handles(k, 0);
        optional = listed(OPTIONAL_ENTRY, LENGTH(OPTIONAL_ENTRY), f, p);
        if (TYPE("const mxg_ndarray *")) {
            with(k, NULL, 1, "{NULL}", optional ? MXG_OK : MXG_ERR_HANDLE);
            bad_handles(k, 1);
        }
        if (TYPE("const char *const *"))
            with(k, NULL, 1, "{NULL}", MXG_ERR_VALUE);
        if (TYPE("const char *") && !NAME("params"))
            with(k, (void *)"\xff\xfe", 0, "not UTF-8", NAME("message") || NAME("text") ? MXG_OK : MXG_ERR_VALUE);
        if (TYPE("int32_t") && (strncmp(p->name, "n", 1) == 0 || NAME("cap")))
            with(k, (void *)-1, 0, "-1", MXG_ERR_VALUE);
    }
}

/* mxg_save_for_backward has a meaning inside a forward callback only. */
static int in_forward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    check_function(ctx);
    return identity(NULL, n_in, in, n_out, out);
}

int main(void)
{
    int64_t before = live(), scope;
    const int64_t none = 0;
    const mxg_value step = MXG_NEW_INT(1);
    mxg_function f;
    mxg_ndarray out;
    int i;

    one = FLOATS(1);
    variable = VARIABLE(1);
    scope = record();
    recorded = apply2("multiply", variable, variable);
    OK(mxg_scope_end(scope));
    OK(mxg_ndarray_from_data(&none, "int64", 1, (const int64_t[]){1}, NULL, &index0));
    OK(mxg_save("there.params", 1, NULL, &one));
    OK(mxg_get(NULL, "lr_scheduler.FactorScheduler", &scheduler_class));
    OK(mxg_call(&scheduler_class, NULL, 1, &step, NULL, &scheduler));
    OK(mxg_call(NULL, "cpu", 0, NULL, NULL, &context));

    for (i = 0; i < N_FUNCTIONS; i++)
        if (strcmp(FUNCTIONS[i].name, "mxg_save_for_backward") != 0)
            check_function(&FUNCTIONS[i]);
        else {
            OK(mxg_function_new(NULL, in_forward, identity, (void *)&FUNCTIONS[i], NULL, &f));
            OK(mxg_function_call(f, 1, &one, 1, &out));
            OK(mxg_function_free(f));
            FREE(out);
        }
    FREE(one, variable, recorded, index0);
    OK(mxg_value_clear(&scheduler));
    OK(mxg_value_clear(&scheduler_class));
    OK(mxg_value_clear(&context));
    CHECK(live() == before);
    return 0;
}
