/* Arrays: made, asked, read, written, cut, saved, exchanged. */
#include "check.h"

#include <math.h>

static const int64_t TWO_BY_THREE[] = {2, 3};

static mxg_ndarray make(const char *dtype, const void *data)
{
    mxg_ndarray a;
    OK(mxg_ndarray_from_data(data, dtype, 2, TWO_BY_THREE, NULL, &a));
    return a;
}

static mxg_ndarray matrix(void)
{
    return make("float32", (const float[]){0, 1, 2, 3, 4, 5});
}

/* Data goes in and comes out unchanged, in every dtype. */
static void round_trip(const char *dtype, const void *data, size_t nbytes)
{
    char back[64];
    const char *name;
    size_t n;
    mxg_ndarray a = make(dtype, data);
    OK(mxg_ndarray_dtype(a, &name));
    CHECK(strcmp(name, dtype) == 0);
    OK(mxg_ndarray_nbytes(a, &n));
    CHECK(n == nbytes);
    OK(mxg_ndarray_copy_to(a, back, nbytes));
    CHECK(memcmp(back, data, nbytes) == 0);
    OK(mxg_ndarray_assign_scalar(a, 0));
    VALUES(a, 0, 0, 0, 0, 0, 0);
    OK(mxg_ndarray_copy_from(a, data, nbytes));
    OK(mxg_ndarray_copy_to(a, back, nbytes));
    CHECK(memcmp(back, data, nbytes) == 0);
    FREE(a);
}

static void dtypes(void)
{
    round_trip("float16", (const uint16_t[]){0x3C00, 0x4000, 0xC200, 0, 0x7BFF, 1}, 12);
    round_trip("float32", (const float[]){1, -2.5f, 1e-45f, 3e38f, INFINITY, NAN}, 24);
    round_trip("float64", (const double[]){1, -2.5, 5e-324, 1e308, -INFINITY, NAN}, 48);
    round_trip("int8", (const int8_t[]){1, -1, INT8_MIN, INT8_MAX, 0, 2}, 6);
    round_trip("uint8", (const uint8_t[]){1, 255, 128, 127, 0, 2}, 6);
    round_trip("int32", (const int32_t[]){1, -1, INT32_MIN, INT32_MAX, 0, 2}, 24);
    round_trip("int64", (const int64_t[]){1, -1, INT64_MIN, INT64_MAX, 0, 2}, 48);
    round_trip("bool", (const uint8_t[]){1, 0, 1, 1, 0, 0}, 6);
}

static void bool_is_any_byte_but_zero(void)
{
    mxg_ndarray a = make("bool", (const uint8_t[]){1, 0, 2, 255, 128, 0});
    VALUES(a, 1, 0, 1, 1, 1, 0);
    FREE(a);
}

static void makers(void)
{
    const int64_t empty_shape[] = {2, 0};
    const char *name;
    size_t nbytes;
    double value;
    mxg_ndarray a, b, c, d, e, f;

    OK(mxg_ndarray_zeros(NULL, 2, TWO_BY_THREE, NULL, &a));
    VALUES(a, 0, 0, 0, 0, 0, 0);
    SHAPE(a, 2, 3);
    OK(mxg_ndarray_dtype(a, &name));
    CHECK(strcmp(name, "float32") == 0);
    OK(mxg_ndarray_context(a, &name));
    CHECK(strcmp(name, "cpu(0)") == 0);

    OK(mxg_ndarray_ones("int64", 2, TWO_BY_THREE, "cpu", &b));
    VALUES(b, 1, 1, 1, 1, 1, 1);
    OK(mxg_ndarray_full(-0.0, "float64", 1, TWO_BY_THREE, "cpu(0)", &c));
    OK(mxg_ndarray_scalar(2.5, "float64", NULL, &d));
    SHAPE(d, 1);
    OK(mxg_ndarray_item(d, &value));
    CHECK(value == 2.5);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_item(c, &value));
    {
        double minus_zero[2];
        OK(mxg_ndarray_copy_to(c, minus_zero, sizeof minus_zero));
        CHECK(signbit(minus_zero[0]) && signbit(minus_zero[1]));
    }

    OK(mxg_ndarray_from_data((const float[]){7}, NULL, 0, NULL, NULL, &e)); /* no axis, one element */
    OK(mxg_ndarray_item(e, &value));
    CHECK(value == 7);
    OK(mxg_ndarray_from_data(NULL, NULL, 2, empty_shape, NULL, &f)); /* two axes, no element */
    SHAPE(f, 2, 0);
    OK(mxg_ndarray_nbytes(f, &nbytes));
    CHECK(nbytes == 0);
    OK(mxg_ndarray_copy_to(f, NULL, 0));
    OK(mxg_ndarray_copy_from(f, NULL, 0));
    FREE(a, b, c, d, e, f);
}

static void makers_refuse(void)
{
    const float data[6] = {0};
    const int64_t negative[] = {2, -1}, huge[] = {INT64_MAX, INT64_MAX}, large[] = {INT64_C(1) << 46};
    int64_t many[33];
    int32_t i;
    mxg_ndarray a = (mxg_ndarray)data;

    FAILS(MXG_ERR_TYPE, mxg_ndarray_from_data(data, "float33", 2, TWO_BY_THREE, NULL, &a));
    CHECK(a == NULL);
    SAYS("'float32'"); /* as the nearest name */
    FAILS(MXG_ERR_TYPE, mxg_ndarray_from_data(data, "complex64", 2, TWO_BY_THREE, NULL, &a));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_from_data(data, "\xff\xfe", 2, TWO_BY_THREE, NULL, &a));
    FAILS(MXG_ERR_CONTEXT, mxg_ndarray_zeros(NULL, 2, TWO_BY_THREE, "tpu(0)", &a));
    FAILS(MXG_ERR_CONTEXT, mxg_ndarray_zeros(NULL, 2, TWO_BY_THREE, "gpu(99)", &a));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_zeros(NULL, 2, negative, NULL, &a));
    SAYS("shape[1] is -1");
    FAILS(MXG_ERR_VALUE, mxg_ndarray_zeros(NULL, -1, TWO_BY_THREE, NULL, &a));
    for (i = 0; i < 33; i++)
        many[i] = 1;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_zeros(NULL, 33, many, NULL, &a));
    OK(mxg_ndarray_zeros(NULL, 32, many, NULL, &a));
    FREE(a);
    FAILS(MXG_ERR_MEMORY, mxg_ndarray_zeros(NULL, 2, huge, NULL, &a));
    FAILS(MXG_ERR_MEMORY, mxg_ndarray_zeros("float64", 1, large, NULL, &a));
    CHECK(a == NULL);
}

static void handles(void)
{
    mxg_ndarray a = FLOATS(1, 2), b;
    mxg_ndarray some[3] = {NULL, NULL, NULL};
    int64_t arrays, functions, all;

    OK(mxg_live(1, &arrays));
    OK(mxg_live(2, &functions));
    OK(mxg_live(0, &all));
    CHECK(all == arrays + functions);
    OK(mxg_ndarray_dup(a, &b));
    CHECK(b != a);
    CHECK(live() == all + 1);
    OK(mxg_ndarray_assign_scalar(a, 5));
    FREE(a);
    VALUES(b, 5, 5); /* one array, two handles */
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_free(a));
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_dup(a, &some[0]));
    CHECK(some[0] == NULL);
    OK(mxg_ndarray_free(NULL));

    OK(mxg_ndarray_dup(b, &some[0]));
    some[1] = a; /* wrong, but the others are freed all the same */
    some[2] = b;
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_free_n(3, some));
    CHECK(live() == all - 1);
    some[0] = some[1] = some[2] = NULL;
    OK(mxg_ndarray_free_n(3, some));
    OK(mxg_ndarray_free_n(0, NULL));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_free_n(-1, some));
    FAILS(MXG_ERR_VALUE, mxg_live(5, &all));
}

static void shape_and_sizes(void)
{
    mxg_ndarray a = matrix();
    int64_t shape[2] = {-1, -1};
    int32_t ndim = -1;
    float too_small[5], element;

    OK(mxg_ndarray_shape(a, 0, NULL, &ndim));
    CHECK(ndim == 2);
    ndim = -1;
    FAILS(MXG_ERR_BUFFER, mxg_ndarray_shape(a, 1, shape, &ndim));
    CHECK(ndim == 2 && shape[0] == -1);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_shape(a, -1, shape, &ndim));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_copy_to(a, too_small, sizeof too_small));
    SAYS("24 bytes");
    FAILS(MXG_ERR_VALUE, mxg_ndarray_copy_from(a, too_small, sizeof too_small));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_copy_to(a, &element, SIZE_MAX));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_copy_to(a, NULL, 0));
    VALUES(a, 0, 1, 2, 3, 4, 5);
    FREE(a);
}

static void text(void)
{
    const char *const expected = "[[0. 1. 2.]\n [3. 4. 5.]]\n<NDArray 2x3 @cpu(0)>";
    char buffer[128];
    size_t need = 0, again = 0;
    mxg_ndarray a = matrix();

    OK(mxg_ndarray_text(a, NULL, 0, &need));
    CHECK(need > strlen(expected) && need <= sizeof buffer);
    memset(buffer, 'x', sizeof buffer);
    FAILS(MXG_ERR_BUFFER, mxg_ndarray_text(a, buffer, need - 1, &again));
    CHECK(again == need && buffer[0] == 'x');
    OK(mxg_ndarray_text(a, buffer, need, &again));
    CHECK(again == need && strlen(buffer) == need - 1 && buffer[need] == 'x');
    CHECK(strstr(buffer, expected) != NULL);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_text(a, NULL, 0, NULL));
    FREE(a);
}

static void data_in_place(void)
{
    const int64_t begin[] = {0, 0}, end[] = {2, 2};
    void *data, *other = NULL;
    size_t nbytes;
    mxg_ndarray a = matrix(), part, row;

    OK(mxg_ndarray_data(a, &data, &nbytes));
    CHECK(nbytes == 24 && ((float *)data)[4] == 4);
    ((float *)data)[4] = 40;
    OK(mxg_ndarray_touch(a));
    VALUES(a, 0, 1, 2, 3, 40, 5);

    OK(mxg_ndarray_slice(a, 2, begin, end, NULL, NULL, &part)); /* rows with a gap between them: a copy */
    OK(mxg_ndarray_data(part, &other, &nbytes));
    CHECK(((char *)other < (char *)data || (char *)other >= (char *)data + 24) && nbytes == 16);
    OK(mxg_ndarray_at(a, 1, &row));
    OK(mxg_ndarray_data(row, &other, &nbytes));
    CHECK(other == (char *)data + 12 && nbytes == 12);
    FREE(a, part, row);
}

static void slices(void)
{
    const int64_t none = MXG_NONE;
    const int32_t no = 0, yes = 1;
    mxg_ndarray a = matrix(), b;
    struct {
        int64_t begin[2], end[2], step[2];
        int32_t drop[2];
    } s;

    s.begin[0] = -1, s.begin[1] = none;
    s.end[0] = none, s.end[1] = none;
    s.step[0] = 1, s.step[1] = -2;
    s.drop[0] = no, s.drop[1] = no;
    OK(mxg_ndarray_slice(a, 2, s.begin, s.end, s.step, s.drop, &b)); /* a[-1:, ::-2] */
    SHAPE(b, 1, 2);
    VALUES(b, 5, 3);
    FREE(b);

    s.begin[1] = 1, s.drop[1] = yes; /* a[-1:, 1] */
    OK(mxg_ndarray_slice(a, 2, s.begin, s.end, s.step, s.drop, &b));
    SHAPE(b, 1);
    VALUES(b, 4);
    FREE(b);

    s.begin[0] = 0, s.end[0] = 99; /* a[0:99] */
    OK(mxg_ndarray_slice(a, 1, s.begin, s.end, NULL, NULL, &b));
    SHAPE(b, 2, 3);
    OK(mxg_ndarray_assign_scalar(b, 1)); /* a view */
    VALUES(a, 1, 1, 1, 1, 1, 1);
    FREE(b);
    OK(mxg_ndarray_slice(a, 0, NULL, NULL, NULL, NULL, &b));
    SHAPE(b, 2, 3);
    FREE(b);

    s.begin[0] = 2, s.drop[0] = yes;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_slice(a, 1, s.begin, NULL, NULL, s.drop, &b)); /* a[2] */
    CHECK(b == NULL);
    s.step[0] = 0, s.drop[0] = no;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_slice(a, 1, s.begin, s.end, s.step, NULL, &b));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_slice(a, 1, s.begin, NULL, NULL, NULL, &b));
    {
        const int64_t zeros[] = {0, 0, 0}, ones[] = {1, 1, 1};
        FAILS(MXG_ERR_VALUE, mxg_ndarray_slice(a, 3, zeros, ones, NULL, NULL, &b));
    }
    OK(mxg_ndarray_at(a, -1, &b));
    SHAPE(b, 3);
    FREE(b);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_at(a, 2, &b));
    FREE(a);
}

static void assignments(void)
{
    const int64_t begin[] = {0, 1}, end[] = {2, 3}, none[] = {MXG_NONE, MXG_NONE};
    mxg_ndarray a = matrix(), ten = FLOATS(10), pair = FLOATS(7, 8), rows = FLOATS(1, 0), b;

    OK(mxg_ndarray_assign_slice(a, 2, begin, end, NULL, NULL, pair)); /* a[0:2, 1:3] = [7, 8] */
    VALUES(a, 0, 7, 8, 3, 7, 8);
    OK(mxg_ndarray_assign(a, ten));
    VALUES(a, 10, 10, 10, 10, 10, 10);
    OK(mxg_ndarray_copy_from(a, (const float[]){0, 1, 2, 3, 4, 5}, 24));
    OK(mxg_ndarray_index(a, 1, &rows, &b)); /* a[[1, 0]] */
    VALUES(b, 3, 4, 5, 0, 1, 2);
    OK(mxg_ndarray_assign_scalar(b, 0)); /* a copy */
    VALUES(a, 0, 1, 2, 3, 4, 5);
    FREE(b);
    {
        const mxg_ndarray columns[] = {NULL, rows}; /* a[:, [1, 0]] */
        OK(mxg_ndarray_index(a, 2, columns, &b));
        VALUES(b, 1, 0, 4, 3);
        OK(mxg_ndarray_assign_index(a, 2, columns, pair));
        VALUES(a, 8, 7, 2, 8, 7, 5);
        FREE(b);
    }
    FAILS(MXG_ERR_VALUE, mxg_ndarray_assign(a, pair)); /* shapes that do not broadcast */
    FAILS(MXG_ERR_VALUE, mxg_ndarray_assign_slice(a, 2, begin, none, NULL, NULL, a));
    VALUES(a, 8, 7, 2, 8, 7, 5);
    OK(mxg_ndarray_assign_scalar(rows, 9));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_index(a, 1, &rows, &b)); /* out of bounds */
    FREE(a, ten, pair, rows);
}

static void contexts(void)
{
    mxg_ndarray a = FLOATS(1, 2), b;
    OK(mxg_ndarray_as_in_context(a, "cpu(0)", &b));
    OK(mxg_ndarray_assign_scalar(b, 3));
    VALUES(a, 3, 3); /* it was there already */
    FREE(b);
    OK(mxg_ndarray_as_in_context(a, "cpu(1)", &b));
    OK(mxg_ndarray_assign_scalar(b, 4));
    VALUES(a, 3, 3);
    FREE(a, b);
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_as_in_context(a, "cpu", &b));
}

static void files(void)
{
    const char *const names[] = {"weight", "arg:bias"}, *const twice[] = {"weight", "weight"};
    const mxg_ndarray arrays[] = {matrix(), FLOATS(7, 8)};
    mxg_ndarray back[3];
    char text[64];
    int32_t n = -1;
    size_t need = 0;
    FILE *file;

    OK(mxg_save("two.params", 2, names, arrays));
    OK(mxg_load("two.params", 0, NULL, &n, NULL, 0, &need));
    CHECK(n == 2 && need == sizeof "weight" + sizeof "arg:bias");
    OK(mxg_load("two.params", 3, back, &n, text, sizeof text, &need));
    CHECK(n == 2 && back[2] == NULL);
    CHECK(memcmp(text, "weight\0arg:bias", need) == 0);
    SHAPE(back[0], 2, 3);
    VALUES(back[0], 0, 1, 2, 3, 4, 5);
    VALUES(back[1], 7, 8);
    FREE(back[0], back[1]);
    FAILS(MXG_ERR_BUFFER, mxg_load("two.params", 1, back, &n, NULL, 0, NULL));
    CHECK(n == 2 && back[0] == NULL);
    need = 0;
    FAILS(MXG_ERR_BUFFER, mxg_load("two.params", 2, back, &n, text, 5, &need));
    CHECK(need == sizeof "weight" + sizeof "arg:bias" && back[0] == NULL && back[1] == NULL);

    OK(mxg_save("list.params", 2, NULL, arrays));
    OK(mxg_load("list.params", 2, back, &n, text, sizeof text, &need));
    CHECK(n == 2 && need == 2 && text[0] == 0 && text[1] == 0);
    VALUES(back[1], 7, 8);
    FREE(back[0], back[1]);

    FAILS(MXG_ERR_VALUE, mxg_save("twice.params", 2, twice, arrays));
    CHECK(access("twice.params", F_OK) != 0);
    FAILS(MXG_ERR_NOTFOUND, mxg_load("missing.params", 0, NULL, &n, NULL, 0, NULL));
    SAYS("missing.params");
    FAILS(MXG_ERR_NOTFOUND, mxg_save("missing/two.params", 2, names, arrays));
    FAILS(MXG_ERR_IO, mxg_load(".", 0, NULL, &n, NULL, 0, NULL));
    CHECK((file = fopen("foreign.params", "w")) != NULL);
    fputs("this is not a file of arrays", file);
    fclose(file);
    FAILS(MXG_ERR_IO, mxg_load("foreign.params", 0, NULL, &n, NULL, 0, NULL));
    CHECK(truncate("two.params", 40) == 0);
    FAILS(MXG_ERR_IO, mxg_load("two.params", 3, back, &n, NULL, 0, NULL));
    CHECK(back[0] == NULL && back[1] == NULL && back[2] == NULL);
    FREE(arrays[0], arrays[1]);
}

/* ---- DLPack ------------------------------------------------------------------------------------------- */

static int deleted;

static void delete_managed(DLManagedTensor *self)
{
    CHECK(self->context == &deleted);
    deleted++;
}

static void delete_versioned(DLManagedTensorVersioned *self)
{
    CHECK(self->context == &deleted);
    deleted++;
}

static void dlpack_in(void)
{
    float data[] = {0, 1, 2, 3, 4, 5};
    int64_t shape[] = {2, 2}, strides[] = {3, -1};
    DLManagedTensorVersioned m = {1, 9, &deleted, delete_versioned, 0,
                                  {data, 1, 0, 2, 2, 32, 1, shape, strides, 8}};
    DLManagedTensor old = {{data, 1, 0, 1, 2, 32, 1, shape, NULL, 0}, &deleted, delete_managed};
    void *memory = NULL, *managed;
    size_t nbytes;
    mxg_ndarray a, view;

    deleted = 0;
    OK(mxg_ndarray_from_dlpack(&m, 1, &a)); /* columns 2 and 1 of a matrix with three */
    SHAPE(a, 2, 2);
    VALUES(a, 2, 1, 5, 4);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_data(a, &memory, &nbytes));
    SAYS("not contiguous");
    CHECK(memory == NULL);
    OK(mxg_ndarray_to_dlpack(a, &managed));
    {
        DLManagedTensorVersioned *again = managed;
        CHECK(again->tensor.strides[0] == 3 && again->tensor.strides[1] == -1);
        CHECK((char *)again->tensor.data + again->tensor.byte_offset == (char *)(data + 2));
        again->deleter(again);
    }
    OK(mxg_ndarray_assign_scalar(a, 9)); /* no copy */
    CHECK(data[0] == 0 && data[1] == 9 && data[2] == 9 && data[5] == 9);
    CHECK(deleted == 0);
    FREE(a);
    CHECK(deleted == 1);

    OK(mxg_ndarray_from_dlpack(&old, 0, &a));
    OK(mxg_ndarray_at(a, 1, &view));
    FREE(a);
    CHECK(deleted == 1); /* a view is left */
    VALUES(view, 9);
    FREE(view);
    CHECK(deleted == 2);

    shape[1] = 0;
    OK(mxg_ndarray_from_dlpack(&m, 1, &a));
    SHAPE(a, 2, 0);
    FREE(a);
    CHECK(deleted == 3);
    shape[1] = 2;

    m.flags = 1; /* read only */
    OK(mxg_ndarray_from_dlpack(&m, 1, &a));
    FAILS(MXG_ERR_VALUE, mxg_ndarray_assign_scalar(a, 0));
    CHECK(data[1] == 9);
    FREE(a);
    CHECK(deleted == 4);

    m.deleter = NULL; /* allowed */
    m.flags = 0;
    OK(mxg_ndarray_from_dlpack(&m, 1, &a));
    FREE(a);

    m.deleter = delete_versioned;
    m.major = 2;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_from_dlpack(&m, 1, &a));
    CHECK(a == NULL);
    m.major = 1;
    m.tensor.device_type = 2;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_from_dlpack(&m, 1, &a));
    m.tensor.device_type = 1;
    m.tensor.bits = 33;
    FAILS(MXG_ERR_TYPE, mxg_ndarray_from_dlpack(&m, 1, &a));
    m.tensor.bits = 32;
    m.tensor.lanes = 4;
    FAILS(MXG_ERR_TYPE, mxg_ndarray_from_dlpack(&m, 1, &a));
    m.tensor.lanes = 1;
    m.tensor.ndim = -1;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_from_dlpack(&m, 1, &a));
    m.tensor.ndim = 2;
    shape[0] = -1;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_from_dlpack(&m, 1, &a));
    CHECK(deleted == 4); /* after an error it is still the caller's */
}

static void dlpack_out(void)
{
    mxg_ndarray a = matrix(), back;
    DLManagedTensorVersioned *m;
    DLTensor *t;
    void *managed;
    float *data;

    OK(mxg_ndarray_to_dlpack(a, &managed));
    m = managed;
    t = &m->tensor;
    CHECK(m->major == 1 && m->flags == 0 && t->device_type == 1 && t->ndim == 2);
    CHECK(t->type_code == 2 && t->bits == 32 && t->lanes == 1);
    CHECK(t->shape[0] == 2 && t->shape[1] == 3);
    CHECK(t->strides == NULL || (t->strides[0] == 3 && t->strides[1] == 1));
    data = (float *)((char *)t->data + t->byte_offset);
    CHECK(data[5] == 5);
    data[1] = 10; /* no copy */
    OK(mxg_ndarray_touch(a));
    VALUES(a, 0, 10, 2, 3, 4, 5);
    FREE(a);
    CHECK(data[5] == 5); /* it keeps the array alive */

    OK(mxg_ndarray_from_dlpack(managed, 1, &back)); /* and takes its own back */
    VALUES(back, 0, 10, 2, 3, 4, 5);
    FREE(back);
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_to_dlpack(back, &managed));
    CHECK(managed == NULL);

    a = FLOATS(1);
    OK(mxg_ndarray_to_dlpack(a, &managed));
    FREE(a);
    m = managed;
    m->deleter(m);
}

/* What is computed from an array is computed from the values that it had then, whoever writes into its memory
 * later; also where an operator waits until somebody looks at its result. */
static void writes_come_after_reads(void)
{
    const float new_values[] = {5, 6}, *seen;
    float foreign[] = {1, 2}, *memory;
    int64_t shape[] = {2};
    DLManagedTensor lent = {{foreign, 1, 0, 1, 2, 32, 1, shape, NULL, 0}, NULL, NULL};
    DLManagedTensorVersioned *exported;
    mxg_ndarray x = FLOATS(1, 2), first = apply_number("multiply", x, 2), second, third, fourth, head, view, y;
    const char *dtype;
    const int64_t begin[] = {0}, end[] = {1};
    void *data, *managed;
    size_t nbytes;

    SHAPE(first, 2); /* asked before the values are */
    OK(mxg_ndarray_dtype(first, &dtype));
    CHECK(strcmp(dtype, "float32") == 0);
    OK(mxg_ndarray_nbytes(first, &nbytes));
    CHECK(nbytes == 8);
    OK(mxg_ndarray_copy_from(x, new_values, sizeof new_values));
    second = apply_number("multiply", x, 2);
    OK(mxg_ndarray_data(x, &data, &nbytes));
    memory = data;
    memory[0] = 7;
    OK(mxg_ndarray_touch(x));
    third = apply_number("multiply", x, 2);
    memory[1] = 8;
    OK(mxg_ndarray_slice(x, 1, begin, end, NULL, NULL, &view));
    head = apply_number("add", view, 1);
    OK(mxg_ndarray_assign_scalar(x, 0));
    VALUES(first, 2, 4);
    VALUES(second, 10, 12);
    VALUES(third, 14, 12);
    VALUES(head, 8);
    OK(mxg_ndarray_data(first, &data, &nbytes));
    seen = data;
    CHECK(seen[0] == 2 && seen[1] == 4);
    FREE(x, first, second, third, head, view);

    OK(mxg_ndarray_from_dlpack(&lent, 0, &x));
    first = apply_number("add", x, 1);
    foreign[0] = 10;
    fourth = apply_number("multiply", first, 3);
    OK(mxg_ndarray_to_dlpack(fourth, &managed));
    exported = managed;
    y = apply_number("add", fourth, 1);
    ((float *)exported->tensor.data)[0] = 0;
    VALUES(first, 2, 3);
    VALUES(y, 7, 10);
    VALUES(fourth, 0, 9);
    exported->deleter(exported);
    FREE(x, first, fourth, y);
}

int main(void)
{
    RUN(dtypes);
    RUN(bool_is_any_byte_but_zero);
    RUN(makers);
    RUN(makers_refuse);
    RUN(handles);
    RUN(shape_and_sizes);
    RUN(text);
    RUN(data_in_place);
    RUN(slices);
    RUN(assignments);
    RUN(contexts);
    RUN(files);
    RUN(dlpack_in);
    RUN(dlpack_out);
    RUN(writes_come_after_reads);
    return 0;
}
