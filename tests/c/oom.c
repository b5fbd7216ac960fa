/* Memory that is refused: whichever allocation of a call fails, the call returns an error with a message, or
 * does without; it leaves no handle behind, and what works goes on working.
 *
 * malloc and its kin here stand in front of the C library's, for Python and NumPy as well. */
#include "check.h"

#include <errno.h>

enum { LENGTH_OF_ARRAYS = 3000 }; /* more than what Python and NumPy keep in stock */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* Of this thread's allocations: how many succeed, then how many fail, and how many failed. */
static __thread long to_pass, to_fail, failed;

static int refused(void)
{
    if (to_fail == 0)
        return 0;
    if (to_pass > 0) {
        to_pass--;
        return 0;
    }
    to_fail--;
    failed++;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return refused() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return refused() ? NULL : __libc_realloc(memory, size);
}

static mxg_ndarray x, w;
static mxg_value dense;

static int make(void)
{
    static float data[LENGTH_OF_ARRAYS];
    const int64_t shape[] = {LENGTH_OF_ARRAYS};
    mxg_ndarray a;
    int status = mxg_ndarray_from_data(data, NULL, 1, shape, NULL, &a);
    return status ? status : mxg_ndarray_free(a);
}

static int small_op(void)
{
    static float values[LENGTH_OF_ARRAYS];
    mxg_ndarray y = NULL;
    int status = mxg_invoke2(op("multiply"), x, x, &y);
    if (!status)
        status = mxg_ndarray_copy_to(y, values, sizeof values);
    to_fail = 0;
    mxg_ndarray_free(y);
    return status;
}

static int op_with_parameters(void)
{
    static const char *const keys[] = {"axis", "temperature"};
    static char number[32];
    static int count;
    const char *vals[] = {"0", number};
    mxg_ndarray y;
    int32_t n = 1;
    int status;
    snprintf(number, sizeof number, "%d.5", count + 1); /* a block that is not in stock: it is read, and kept */
    status = mxg_invoke(op("softmax"), 1, &x, 2, keys, vals, &n, &y);
    if (!status)
        count++;
    return status ? status : mxg_ndarray_free(y);
}

static int gradient(void)
{
    int64_t scope;
    mxg_ndarray y = NULL, z = NULL;
    int status = mxg_scope_begin(1, 1, &scope);
    if (status)
        return status;
    status = mxg_invoke2(op("multiply"), w, w, &y);
    if (!status)
        status = mxg_invoke1(op("sum"), y, &z);
    if (!status)
        status = mxg_backward(1, &z, NULL, 0, 1);
    to_fail = 0; /* what follows is not tried */
    OK(mxg_scope_end(scope));
    mxg_ndarray_free(y);
    mxg_ndarray_free(z);
    return status;
}

static int text(void)
{
    static char buf[200000];
    size_t need;
    return mxg_ndarray_text(x, buf, sizeof buf, &need);
}

static int packed_call(void)
{
    const mxg_value input = MXG_NEW_NDARRAY(x);
    mxg_value y;
    int status = mxg_call(&dense, NULL, 1, &input, NULL, &y);
    if (!status)
        mxg_value_clear(&y);
    return status;
}

static int files(void)
{
    mxg_ndarray out[1];
    char names[16];
    int32_t n;
    int status = mxg_save("oom.params", 1, NULL, &x);
    if (!status)
        status = mxg_load("oom.params", 1, out, &n, names, sizeof names, NULL);
    return status ? status : mxg_ndarray_free(out[0]);
}

/* How many calls failed, and how many of them said that there was no memory. */
typedef struct {
    int all, memory;
} failures;

/* Every allocation of a call fails in turn, and `width` - 1 of those after it. */
static void refuse(const char *name, int (*call)(void), long width, failures *count)
{
    long n, in_a_row = 0;
    for (n = 0; in_a_row < 20; n++) {
        int64_t before, after;
        int status;
        OK(mxg_live(0, &before));
        to_pass = n, failed = 0, to_fail = width;
        status = call();
        to_fail = 0;
        if (status && *mxg_last_error() == '\0')
            check_failed(__FILE__, __LINE__, "%s, allocation %d: an error without a message", name, (int)n);
        if (status && status != mxg_last_code())
            check_failed(__FILE__, __LINE__, "%s, allocation %d: not its code", name, (int)n);
        OK(mxg_live(0, &after));
        if (after != before)
            check_failed(__FILE__, __LINE__, "%s, allocation %d: %d handles are left", name, (int)n,
                         (int)(after - before));
        in_a_row = failed ? 0 : in_a_row + 1;
        count->all += status != MXG_OK;
        count->memory += status == MXG_ERR_MEMORY;
        if (n > 3000)
            check_failed(__FILE__, __LINE__, "%s makes no end of allocations", name);
        OK(call());
    }
}

int main(void)
{
    static const struct {
        const char *name;
        int (*call)(void);
    } calls[] = {
        {"make", make}, {"small_op", small_op}, {"op_with_parameters", op_with_parameters},
        {"gradient", gradient}, {"text", text}, {"packed_call", packed_call}, {"files", files},
    };
    static const long widths[] = {1, 3, 10, 40};
    const mxg_value units = MXG_NEW_INT(4);
    const int64_t shape[] = {1, LENGTH_OF_ARRAYS};
    failures single = {0, 0};
    int i, j;

    OK(mxg_ndarray_ones(NULL, 2, shape, NULL, &x));
    OK(mxg_ndarray_ones(NULL, 2, shape, NULL, &w));
    OK(mxg_attach_grad(w, NULL));
    OK(mxg_call(NULL, "gluon.nn.Dense", 1, &units, NULL, &dense));
    OK(mxg_call(&dense, "initialize", 0, NULL, NULL, NULL));
    for (i = 0; i < LENGTH(calls); i++) {
        failures wide = {0, 0};
        OK(calls[i].call()); /* what is imported at the first call is there */
        for (j = 0; j < LENGTH(widths); j++)
            refuse(calls[i].name, calls[i].call, widths[j], widths[j] == 1 ? &single : &wide);
        CHECK(wide.memory > 0);
    }
    CHECK(single.all > 20 && single.memory >= 0.95 * single.all);
    return 0;
}
