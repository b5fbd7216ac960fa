/* Operators: found, described, called in every way; random numbers. */
#include "check.h"

#include <math.h>

static void find(void)
{
    int32_t n = 0, i;
    mxg_op a, b;

    OK(mxg_op_count(&n));
    CHECK(n > 300);
    for (i = 0; i < n; i++) { /* number -> name -> the same operator */
        const char *name = NULL;
        OK(mxg_op_at(i, &a, &name));
        OK(mxg_op_find(name, &b));
        CHECK(a == b);
    }
    FAILS(MXG_ERR_VALUE, mxg_op_at(n, &a, (const char **)&(void *){NULL}));
    CHECK(a == NULL);
    FAILS(MXG_ERR_VALUE, mxg_op_at(-1, &a, (const char **)&(void *){NULL}));
    FAILS(MXG_ERR_NOTFOUND, mxg_op_find("softmaks", &a));
    CHECK(a == NULL);
    SAYS("'softmax'");
    FAILS(MXG_ERR_NOTFOUND, mxg_op_find("", &a));
    FAILS(MXG_ERR_VALUE, mxg_op_find("\xc3\x28", &a)); /* not UTF-8 */
}

static void describe(void)
{
    static char text[65536];
    int32_t n, i;
    size_t need;

    OK(mxg_op_info(op("sum"), text, sizeof text, &need));
    CHECK(need == strlen(text) + 1);
    CHECK(strstr(text, "\"name\": \"sum\"") != NULL);
    CHECK(strstr(text, "\"arrays\": [\"data\"]") != NULL);
    CHECK(strstr(text, "\"keepdims\": {\"default\": \"False\"}") != NULL);
    FAILS(MXG_ERR_BUFFER, mxg_op_info(op("sum"), text, 10, &need));
    OK(mxg_op_count(&n));
    for (i = 0; i < n; i++) { /* each can be described */
        const char *name;
        mxg_op any;
        OK(mxg_op_at(i, &any, &name));
        OK(mxg_op_info(any, text, sizeof text, NULL));
        CHECK(strstr(text, name) != NULL);
    }
}

static void calls(void)
{
    const char *const keys[] = {"axis", "keepdims"}, *const vals[] = {"1", "True"};
    const int64_t shape[] = {2, 2};
    mxg_ndarray m, v = FLOATS(10, 20), out[3];
    int32_t n = 3;

    OK(mxg_ndarray_from_data((const float[]){1, 2, 3, 4}, NULL, 2, shape, NULL, &m));
    OK(mxg_invoke(op("sum"), 1, &m, 0, NULL, NULL, &n, out));
    CHECK(n == 1 && out[1] == NULL && out[2] == NULL);
    VALUES(out[0], 10);
    FREE(out[0]);
    OK(mxg_invoke(op("sum"), 1, &m, 2, keys, vals, &n, out));
    SHAPE(out[0], 2, 1);
    VALUES(out[0], 3, 7);
    FREE(out[0]);
    OK(mxg_invoke_packed(op("sum"), 1, &m, "axis\0" "0", 7, &n, out));
    VALUES(out[0], 4, 6);
    FREE(out[0]);
    OK(mxg_invoke_packed(op("sum"), 1, &m, NULL, 0, &n, out));
    VALUES(out[0], 10);
    FREE(out[0]);
    OK(mxg_invoke1(op("negative"), v, &out[0]));
    VALUES(out[0], -10, -20);
    FREE(out[0]);
    OK(mxg_invoke2(op("subtract"), v, m, &out[0]));
    VALUES(out[0], 9, 18, 7, 16);
    FREE(out[0]);
    OK(mxg_invoke_scalar(op("subtract"), v, 1.5, 0, &out[0]));
    VALUES(out[0], 8.5, 18.5);
    FREE(out[0]);
    OK(mxg_invoke_scalar(op("subtract"), v, 1, 1, &out[0]));
    VALUES(out[0], -9, -19);
    FREE(out[0]);
    {
        const mxg_ndarray three[] = {v, v, v};
        const char *const axis = "0", *const dim = "dim";
        OK(mxg_invoke(op("concat"), 3, three, 1, &dim, &axis, &n, out));
        VALUES(out[0], 10, 20, 10, 20, 10, 20);
        FREE(out[0]);
    }
    out[0] = apply_with("arange", NULL, "start", "3"); /* no array at all */
    VALUES(out[0], 0, 1, 2);
    FREE(out[0], m, v);
}

/* A number without fraction is an integer, so it does not turn an array of integers into floats. */
static void numbers(void)
{
    const char *name;
    double d[1];
    mxg_ndarray ints, out, minus;

    OK(mxg_ndarray_scalar(7, "int64", NULL, &ints));
    out = apply_number("np.multiply", ints, 2);
    OK(mxg_ndarray_dtype(out, &name));
    CHECK(strcmp(name, "int64") == 0);
    VALUES(out, 14);
    FREE(out);
    OK(mxg_ndarray_scalar(1, "float64", NULL, &minus));
    out = apply_number("multiply", minus, -0.0);
    OK(mxg_ndarray_copy_to(out, d, sizeof d));
    CHECK(signbit(d[0]));
    FREE(out);
    out = apply_number("add", minus, 1e300);
    VALUES(out, 1e300);
    FREE(out);
    out = apply_number("maximum", minus, INFINITY);
    VALUES(out, INFINITY);
    FREE(ints, minus, out);
}

static void into(void)
{
    mxg_ndarray x = FLOATS(1, 2), y = FLOATS(10, 20), two[2], short_one = FLOATS(1);
    two[0] = x;
    two[1] = y;
    OK(mxg_invoke_into(op("add"), 2, two, 0, NULL, NULL, x)); /* x += y */
    VALUES(x, 11, 22);
    VALUES(y, 10, 20);
    FAILS(MXG_ERR_VALUE, mxg_invoke_into(op("add"), 2, two, 0, NULL, NULL, short_one));
    VALUES(short_one, 1);
    FAILS(MXG_ERR_HANDLE, mxg_invoke_into(op("add"), 2, two, 0, NULL, NULL, NULL));
    FREE(x, y, short_one);
}

static void several_results(void)
{
    const char *const key = "num_outputs", *const two = "2";
    mxg_ndarray x, out[3] = {(mxg_ndarray)1, (mxg_ndarray)1, (mxg_ndarray)1};
    const int64_t shape[] = {1, 4};
    int32_t n = 3;

    OK(mxg_ndarray_from_data((const float[]){1, 2, 3, 4}, NULL, 2, shape, NULL, &x));
    OK(mxg_invoke(op("split"), 1, &x, 1, &key, &two, &n, out));
    CHECK(n == 2 && out[2] == NULL);
    VALUES(out[0], 1, 2);
    VALUES(out[1], 3, 4);
    FREE(out[0], out[1]);
    n = 1;
    FAILS(MXG_ERR_BUFFER, mxg_invoke(op("split"), 1, &x, 1, &key, &two, &n, out));
    CHECK(n == 2 && out[0] == NULL);
    n = 0;
    FAILS(MXG_ERR_BUFFER, mxg_invoke(op("split"), 1, &x, 1, &key, &two, &n, NULL));
    CHECK(n >= 1);
    FREE(x);
}

static void refused(void)
{
    const char *const keys[] = {"axis", "axis", "color", NULL}, *const vals[] = {"0", "9", "red", "0"};
    mxg_ndarray a = FLOATS(1, 2), b = FLOATS(1, 2, 3), out = a;
    int32_t n = 1;

    FAILS(MXG_ERR_VALUE, mxg_invoke2(op("add"), a, b, &out));
    CHECK(out == NULL);
    SAYS("(2,)");
    SAYS("(3,)");
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, 1, keys + 1, vals + 1, &n, &out)); /* axis 9 */
    FAILS(MXG_ERR_TYPE, mxg_invoke(op("sum"), 1, &a, 1, keys + 2, vals + 2, &n, &out));
    SAYS("color");
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, 2, keys, vals, &n, &out)); /* axis twice */
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, 4, keys, vals, &n, &out));
    SAYS("keys[3] is NULL");
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, -1, keys, vals, &n, &out));
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), -1, &a, 0, NULL, NULL, &n, &out));
    FAILS(MXG_ERR_VALUE, mxg_invoke_packed(op("sum"), 1, &a, "axis\0" "0", 6, &n, &out)); /* cut off */
    FAILS(MXG_ERR_VALUE, mxg_invoke_packed(op("sum"), 1, &a, "axis", 5, &n, &out));
    FAILS(MXG_ERR_TYPE, mxg_invoke(op("one_hot"), 1, &a, 0, NULL, NULL, &n, &out)); /* depth is missing */
    SAYS("depth");
    FAILS(MXG_ERR_HANDLE, mxg_invoke1((mxg_op)a, a, &out));
    FAILS(MXG_ERR_HANDLE, mxg_invoke2(op("add"), a, (mxg_ndarray)op("add"), &out));
    FAILS(MXG_ERR_TYPE, mxg_invoke1(op("add"), a, &out)); /* one array too few */
    FAILS(MXG_ERR_TYPE, mxg_invoke2(op("exp"), a, b, &out));
    CHECK(out == NULL);
    FREE(a, b);
}

static void too_long(void)
{
    const size_t size = (1 << 24) + 1;
    char *text = malloc(size);
    const char *key = "axis", *value = text;
    mxg_ndarray a = FLOATS(1, 2), out;
    int32_t n = 1;
    CHECK(text != NULL);
    memset(text, '1', size - 1);
    text[size - 1] = '\0';
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, 1, &key, &value, &n, &out));
    SAYS("16777216 bytes");
    FAILS(MXG_ERR_VALUE, mxg_invoke_packed(op("sum"), 1, &a, text, size, &n, &out));
    SAYS("16777216 bytes");
    text[1000] = '\0'; /* more than what the library has room for on its stack */
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("sum"), 1, &a, 1, &key, &value, &n, &out));
    free(text);
    FREE(a);
}

/* A NULL entry leaves an optional array out; nothing else may be NULL. */
static void optional_arrays(void)
{
    const int64_t w_shape[] = {2, 2}, x_shape[] = {1, 2};
    const char *const keys[] = {"num_hidden", "no_bias"}, *const vals[] = {"2", "True"};
    mxg_ndarray in[3], out;
    int32_t n = 1;

    OK(mxg_ndarray_from_data((const float[]){1, 2}, NULL, 2, x_shape, NULL, &in[0]));
    OK(mxg_ndarray_from_data((const float[]){1, 2, 3, 4}, NULL, 2, w_shape, NULL, &in[1]));
    in[2] = NULL;
    OK(mxg_invoke(op("FullyConnected"), 3, in, 2, keys, vals, &n, &out));
    VALUES(out, 5, 11);
    FREE(out, in[1]);
    in[1] = NULL;
    FAILS(MXG_ERR_HANDLE, mxg_invoke(op("FullyConnected"), 3, in, 2, keys, vals, &n, &out));
    FREE(in[0]);
}

/* An operator whose one argument is a sequence of arrays takes any number of them. */
static void sequences_of_arrays(void)
{
    const char *const axis = "axis", *const one = "1", *const wrong = "axiss";
    const int64_t shape[] = {2, 2};
    mxg_ndarray m[3], v = FLOATS(5, 6), v2[2], out;
    int32_t n = 1;

    OK(mxg_ndarray_from_data((const float[]){1, 2, 3, 4}, NULL, 2, shape, NULL, &m[0]));
    m[1] = m[2] = m[0];
    v2[0] = v2[1] = v;
    OK(mxg_invoke(op("np.concatenate"), 2, m, 1, &axis, &one, &n, &out));
    SHAPE(out, 2, 4);
    VALUES(out, 1, 2, 1, 2, 3, 4, 3, 4);
    FREE(out);
    OK(mxg_invoke1(op("np.concatenate"), m[0], &out)); /* that one array, not its rows */
    SHAPE(out, 2, 2);
    FREE(out);
    OK(mxg_invoke2(op("np.stack"), v, v, &out));
    SHAPE(out, 2, 2);
    VALUES(out, 5, 6, 5, 6);
    FREE(out);
    OK(mxg_invoke(op("np.vstack"), 2, v2, 0, NULL, NULL, &n, &out));
    SHAPE(out, 2, 2);
    FREE(out);
    OK(mxg_invoke(op("np.hstack"), 2, v2, 0, NULL, NULL, &n, &out));
    VALUES(out, 5, 6, 5, 6);
    FREE(out);
    OK(mxg_invoke(op("np.dstack"), 2, v2, 0, NULL, NULL, &n, &out));
    SHAPE(out, 1, 2, 2);
    FREE(out);
    OK(mxg_invoke(op("np.column_stack"), 2, v2, 0, NULL, NULL, &n, &out));
    VALUES(out, 5, 5, 6, 6);
    FREE(out);
    OK(mxg_invoke(op("np.linalg.multi_dot"), 3, m, 0, NULL, NULL, &n, &out));
    VALUES(out, 37, 54, 81, 118);
    FREE(out);
    OK(mxg_invoke(op("concatenate"), 2, v2, 0, NULL, NULL, &n, &out));
    VALUES(out, 5, 6, 5, 6);
    FREE(out);
    FAILS(MXG_ERR_VALUE, mxg_invoke(op("np.vstack"), 0, NULL, 0, NULL, NULL, &n, &out));
    FAILS(MXG_ERR_TYPE, mxg_invoke(op("np.stack"), 2, v2, 1, &wrong, &one, &n, &out));
    SAYS("TypeError: stack() got an unexpected keyword argument 'axiss'");
    FREE(m[0], v);
}

/* A parameter stands for an array that is left out. */
static void numbers_for_arrays(void)
{
    const char *const keys[] = {"x", "y"}, *const vals[] = {"7", "8"};
    mxg_ndarray v = FLOATS(1, 2, 3), in[3], out, first;
    int32_t n = 1;

    OK(mxg_invoke1(op("np.copy"), v, &in[1]));
    in[0] = apply_number("np.greater", in[1], 2);
    OK(mxg_invoke(op("np.where"), 2, in, 1, &keys[1], &vals[1], &n, &out));
    VALUES(out, 8, 8, 3);
    FREE(out);
    OK(mxg_invoke(op("np.where"), 1, in, 2, keys, vals, &n, &out));
    VALUES(out, 8, 8, 7);
    FREE(out);
    in[2] = in[1];
    FAILS(MXG_ERR_TYPE, mxg_invoke(op("np.where"), 3, in, 1, keys, vals, &n, &out));
    SAYS("multiple values for keyword argument 'x'");
    in[1] = NULL;
    OK(mxg_invoke(op("np.where"), 3, in, 1, keys, vals, &n, &out));
    VALUES(out, 1, 2, 7);
    FREE(out);
    FAILS(MXG_ERR_TYPE, mxg_invoke(op("where"), 3, in, 1, keys, vals, &n, &out)); /* not so with nd's */
    SAYS("where");
    OK(mxg_ndarray_at(in[2], 1, &first)); /* and the entry of an array of np has no axes */
    OK(mxg_ndarray_shape(first, 0, NULL, &n));
    CHECK(n == 0);
    FREE(v, in[0], in[2], first);
}

/* The first numbers after mx.random.seed(0) of MXNet 1.9.1 on the CPU. */
static void random_numbers(void)
{
    const double uniform[] = {(float)0.54881352186203, (float)0.5928446054458618, (float)0.7151893377304077};
    const double normal[] = {(float)2.2122063636779785, (float)0.774003803730011, (float)1.043440341949463};
    mxg_ndarray a;
    int pass;

    for (pass = 0; pass < 2; pass++) {
        OK(pass == 0 ? mxg_seed(0) : mxg_seed_context(0, "cpu(0)"));
        a = apply_with("random.uniform", NULL, "shape", "3");
        VALUES(a, uniform[0], uniform[1], uniform[2]);
        FREE(a);
        OK(mxg_seed(0));
        a = apply_with("random.normal", NULL, "shape", "3");
        VALUES(a, normal[0], normal[1], normal[2]);
        FREE(a);
        OK(mxg_seed(0));
        {
            const char *const keys[] = {"low", "high", "shape"}, *const vals[] = {"0", "1000", "4"};
            int32_t n = 1;
            OK(mxg_invoke(op("random.randint"), 0, NULL, 3, keys, vals, &n, &a));
            VALUES(a, 751, 344, 403, 199);
            FREE(a);
        }
    }
    FAILS(MXG_ERR_CONTEXT, mxg_seed_context(0, "tpu(0)"));
}

int main(void)
{
    RUN(find);
    RUN(describe);
    RUN(calls);
    RUN(numbers);
    RUN(into);
    RUN(several_results);
    RUN(refused);
    RUN(too_long);
    RUN(optional_arrays);
    RUN(sequences_of_arrays);
    RUN(numbers_for_arrays);
    RUN(random_numbers);
    return 0;
}
