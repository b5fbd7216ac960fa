/* check.h - what the tests of the C library share.  Include it first.
 *
 * A test program prints nothing and returns 0; the first failed check prints where it stands and why, and
 * ends the program with status 1.
 */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE

#include <mxgrad.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition))                                                                         \
            check_failed(__FILE__, __LINE__, "%s", #condition);                                   \
    } while (0)

/* The call succeeds. */
#define OK(call) check_status(__FILE__, __LINE__, #call, MXG_OK, (call))

/* The call fails with that status, and mxg_last_* agree. */
#define FAILS(status, call) check_status(__FILE__, __LINE__, #call, (status), (call))

/* The last error's message has this part. */
#define SAYS(part) check_says(__FILE__, __LINE__, (part))

/* The array has exactly these elements, in C order. */
#define VALUES(a, ...)                                                                            \
    check_values(__FILE__, __LINE__, #a, (a), LENGTH(((double[]){__VA_ARGS__})), (double[]){__VA_ARGS__})

/* The array has this shape. */
#define SHAPE(a, ...)                                                                             \
    check_shape(__FILE__, __LINE__, #a, (a), LENGTH(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})

__attribute__((format(printf, 3, 4), noreturn)) static inline void check_failed(const char *file, int line,
                                                                               const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  last error: %s\n%s\n", mxg_last_error(), mxg_last_traceback());
    _exit(1);
}

static inline void check_status(const char *file, int line, const char *call, int expected, int got)
{
    if (got != expected)
        check_failed(file, line, "%s: %s, not %s", call, mxg_status_name(got), mxg_status_name(expected));
    if (got == MXG_OK)
        return;
    if (mxg_last_code() != got)
        check_failed(file, line, "%s: mxg_last_code is %d", call, mxg_last_code());
    if (*mxg_last_type() == 0)
        check_failed(file, line, "%s: mxg_last_type is empty", call);
    if (strncmp(mxg_last_error(), mxg_last_type(), strlen(mxg_last_type())) != 0)
        check_failed(file, line, "%s: the message does not start with %s", call, mxg_last_type());
}

static inline void check_says(const char *file, int line, const char *part)
{
    if (strstr(mxg_last_error(), part) == NULL)
        check_failed(file, line, "the last error does not say \"%s\"", part);
}

/* ---- arrays ------------------------------------------------------------------------------------------- */

static inline mxg_op op(const char *name)
{
    mxg_op found;
    OK(mxg_op_find(name, &found));
    return found;
}

/* A float32 array with one axis. */
#define FLOATS(...) floats(LENGTH(((float[]){__VA_ARGS__})), (float[]){__VA_ARGS__})

static inline mxg_ndarray floats(int64_t n, const float *data)
{
    mxg_ndarray a;
    OK(mxg_ndarray_from_data(data, "float32", 1, &n, NULL, &a));
    return a;
}

/* A float32 variable with one axis. */
#define VARIABLE(...) marked(FLOATS(__VA_ARGS__))

static inline mxg_ndarray marked(mxg_ndarray a)
{
    OK(mxg_attach_grad(a, NULL));
    return a;
}

static inline mxg_ndarray apply1(const char *name, mxg_ndarray a)
{
    mxg_ndarray out;
    OK(mxg_invoke1(op(name), a, &out));
    return out;
}

static inline mxg_ndarray apply2(const char *name, mxg_ndarray a, mxg_ndarray b)
{
    mxg_ndarray out;
    OK(mxg_invoke2(op(name), a, b, &out));
    return out;
}

static inline mxg_ndarray apply_number(const char *name, mxg_ndarray a, double number)
{
    mxg_ndarray out;
    OK(mxg_invoke_scalar(op(name), a, number, 0, &out));
    return out;
}

static inline mxg_ndarray apply_with(const char *name, mxg_ndarray a, const char *key, const char *value)
{
    mxg_ndarray out;
    int32_t n = 1;
    OK(mxg_invoke(op(name), a != NULL, &a, 1, &key, &value, &n, &out));
    return out;
}

/* Frees the handles up to the last argument, NULL. */
static inline void release(mxg_ndarray a, ...)
{
    va_list rest;
    va_start(rest, a);
    for (; a != NULL; a = va_arg(rest, mxg_ndarray))
        OK(mxg_ndarray_free(a));
    va_end(rest);
}

#define FREE(...) release(__VA_ARGS__, (mxg_ndarray)NULL)

static inline mxg_ndarray grad(mxg_ndarray a)
{
    mxg_ndarray g;
    OK(mxg_grad(a, &g));
    return g;
}

static inline int64_t record(void)
{
    int64_t scope;
    OK(mxg_scope_begin(1, 1, &scope));
    return scope;
}

static inline int64_t live(void)
{
    int64_t count;
    OK(mxg_live(0, &count));
    return count;
}

static inline void check_values(const char *file, int line, const char *what, mxg_ndarray a, int n,
                                const double *expected)
{
    double got[256] = {0};
    mxg_ndarray doubles = apply_with("cast", a, "dtype", "float64");
    size_t nbytes;
    int i;
    OK(mxg_ndarray_nbytes(doubles, &nbytes));
    if (nbytes != (size_t)n * sizeof *got)
        check_failed(file, line, "%s has %zu elements, not %d", what, nbytes / sizeof *got, n);
    OK(mxg_ndarray_copy_to(doubles, got, nbytes));
    OK(mxg_ndarray_free(doubles));
    for (i = 0; i < n; i++)
        if (got[i] != expected[i] && !(got[i] != got[i] && expected[i] != expected[i]))
            check_failed(file, line, "%s[%d] is %.9g, not %.9g", what, i, got[i], expected[i]);
}

static inline void check_shape(const char *file, int line, const char *what, mxg_ndarray a, int ndim,
                               const int64_t *expected)
{
    int64_t shape[32];
    int32_t n;
    int i;
    OK(mxg_ndarray_shape(a, 32, shape, &n));
    if (n != ndim)
        check_failed(file, line, "%s has %d axes, not %d", what, (int)n, ndim);
    for (i = 0; i < ndim; i++)
        if (shape[i] != expected[i])
            check_failed(file, line, "%s: axis %d has size %lld", what, i, (long long)shape[i]);
}

/* ---- running tests ------------------------------------------------------------------------------------ */

/* Runs a test function, which must free all its handles and end all its scopes. */
#define RUN(test)                                                                                 \
    do {                                                                                          \
        long long left_ = -live();                                                                \
        int on_;                                                                                  \
        test();                                                                                   \
        left_ += live();                                                                          \
        if (left_ != 0)                                                                           \
            check_failed(__FILE__, __LINE__, "%s leaves %lld handles", #test, left_);             \
        OK(mxg_is_recording(&on_));                                                               \
        CHECK(!on_);                                                                              \
    } while (0)

/* Resident memory of this process in KiB. */
static inline long resident(void)
{
    long size, pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &size, &pages) == 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- DLPack, after its specification ------------------------------------------------------------------ */

typedef struct {
    void *data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t type_code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
    DLTensor tensor;
    void *context;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

typedef struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor tensor;
} DLManagedTensorVersioned;

#endif
