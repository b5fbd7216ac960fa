/* 50,000 calls of each kind leave no handle behind and do not grow the process. */
#include "check.h"

enum { WARM_UP = 5000, CALLS = 50000, MAX_GROWTH = 1024 /* KiB */ };

static mxg_ndarray x, variable, pair[2];
static mxg_function function;
static mxg_op multiply, sum;

static void create_and_free(void)
{
    const float data[4] = {1, 2, 3, 4};
    const int64_t shape[] = {2, 2};
    mxg_ndarray a;
    OK(mxg_ndarray_from_data(data, "float32", 2, shape, NULL, &a));
    OK(mxg_ndarray_free(a));
}

static void invoke(void)
{
    mxg_ndarray a;
    OK(mxg_invoke2(multiply, x, x, &a));
    OK(mxg_ndarray_free(a));
}

/* Blocks of parameters that are new every time would fill the cache, if that had no limit. */
static void invoke_with_parameters(void)
{
    static int calls;
    char text[32];
    const char *const keys[] = {"a_min", "a_max"}, *const vals[] = {"0", text};
    int32_t n = 1;
    mxg_ndarray a;
    snprintf(text, sizeof text, "%d", ++calls);
    OK(mxg_invoke(op("clip"), 1, &x, 2, keys, vals, &n, &a));
    OK(mxg_ndarray_free(a));
}

static void several_results(void)
{
    int32_t n = 2;
    mxg_ndarray a[2];
    OK(mxg_invoke_packed(op("split"), 1, &pair[0], "num_outputs\0" "2", 14, &n, a));
    OK(mxg_ndarray_free_n(2, a));
}

static void error(void)
{
    mxg_ndarray a;
    FAILS(MXG_ERR_VALUE, mxg_invoke2(multiply, x, pair[1], &a));
    CHECK(*mxg_last_traceback() != 0);
}

static void bad_handle(void)
{
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_free((mxg_ndarray)0x1234));
}

static void scope(void)
{
    int64_t outer, inner;
    OK(mxg_scope_begin(1, 1, &outer));
    OK(mxg_scope_begin(0, 0, &inner)); /* its end is skipped */
    OK(mxg_scope_end(outer));
}

static void location(void)
{
    static int calls;
    char file[32];
    snprintf(file, sizeof file, "file_%d.c", ++calls % 10);
    OK(mxg_set_location(file, calls));
}

static void recorded(void)
{
    int64_t token = record();
    mxg_ndarray y, z;
    OK(mxg_invoke2(multiply, variable, variable, &y));
    OK(mxg_invoke1(sum, y, &z));
    OK(mxg_scope_end(token));
    FREE(y, z);
}

static void backward(void)
{
    int64_t token = record();
    mxg_ndarray y;
    OK(mxg_invoke2(multiply, variable, variable, &y));
    OK(mxg_scope_end(token));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    FREE(y);
}

static void gradient(void)
{
    int64_t token = record();
    mxg_ndarray y, g;
    OK(mxg_invoke2(multiply, variable, variable, &y));
    OK(mxg_grad_of(1, &y, NULL, 1, &variable, -1, 1, 1, &g));
    OK(mxg_scope_end(token));
    FREE(y, g);
}

static int identity(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)n_in, (void)n_out;
    if (ctx != NULL)
        return mxg_set_error(MXG_ERR_VALUE, "no");
    return mxg_ndarray_dup(in[0], &out[0]);
}

static void callback(void)
{
    int64_t token = record();
    mxg_ndarray y;
    OK(mxg_function_call(function, 1, &variable, 1, &y));
    OK(mxg_scope_end(token));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    FREE(y);
}

static void failing_callback(void)
{
    mxg_function f;
    mxg_ndarray y;
    OK(mxg_function_new("fails", identity, identity, &x, NULL, &f));
    FAILS(MXG_ERR_CALLBACK, mxg_function_call(f, 1, &x, 1, &y));
    OK(mxg_function_free(f));
}

static void program(void)
{
    mxg_program p;
    mxg_ndarray y;
    OK(mxg_program_begin(1, &x));
    OK(mxg_invoke2(op("multiply"), x, variable, &y));
    OK(mxg_program_end(1, &y, &p));
    FREE(y);
    OK(mxg_program_run(p, 1, &x, 1, &y));
    FREE(y);
    FAILS(MXG_ERR_VALUE, mxg_program_run(p, 0, NULL, 1, &y));
    OK(mxg_program_free(p));
}

static void slices(void)
{
    const int64_t zero = 0, one = 1;
    mxg_ndarray a;
    OK(mxg_ndarray_slice(x, 1, &zero, &one, NULL, NULL, &a));
    OK(mxg_ndarray_assign_scalar(a, 1));
    FREE(a);
}

static void dlpack(void)
{
    void *managed;
    mxg_ndarray a;
    OK(mxg_ndarray_to_dlpack(x, &managed));
    OK(mxg_ndarray_from_dlpack(managed, 1, &a));
    FREE(a);
}

static void texts(void)
{
    char text[256];
    OK(mxg_ndarray_text(x, text, sizeof text, NULL));
}

static void repeat(const char *what, void (*f)(void))
{
    int64_t handles;
    long memory;
    int i;
    for (i = 0; i < WARM_UP; i++)
        f();
    handles = live();
    memory = resident();
    for (i = 0; i < CALLS; i++)
        f();
    if (live() != handles)
        check_failed(__FILE__, __LINE__, "%s: %lld handles are left", what, (long long)(live() - handles));
    memory = resident() - memory;
    if (memory >= MAX_GROWTH)
        check_failed(__FILE__, __LINE__, "%s: %ld KiB more after %d calls", what, memory, CALLS);
}

#define REPEAT(f) repeat(#f, f)

int main(void)
{
    const int64_t shape[] = {1, 2};
    x = FLOATS(1, 2, 3, 4);
    variable = VARIABLE(1, 2, 3, 4);
    OK(mxg_ndarray_ones(NULL, 2, shape, NULL, &pair[0]));
    pair[1] = FLOATS(1, 2, 3);
    multiply = op("multiply");
    sum = op("sum");
    OK(mxg_function_new("identity", identity, identity, NULL, NULL, &function));

    REPEAT(create_and_free);
    REPEAT(invoke);
    REPEAT(invoke_with_parameters);
    REPEAT(several_results);
    REPEAT(error);
    REPEAT(bad_handle);
    REPEAT(scope);
    REPEAT(location);
    REPEAT(recorded);
    REPEAT(backward);
    REPEAT(gradient);
    REPEAT(callback);
    REPEAT(failing_callback);
    REPEAT(program);
    REPEAT(slices);
    REPEAT(dlpack);
    REPEAT(texts);

    FREE(x, variable, pair[0], pair[1]);
    OK(mxg_function_free(function));
    CHECK(live() == 0);
    return 0;
}
