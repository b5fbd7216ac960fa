/* example.h - what the example programs share: an error ends the program, operators are called by name.
 *
 * Each function that returns an array gives it to the caller, who frees it.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <mxgrad.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program if a call failed. */
static inline void check(int status)
{
    if (status != MXG_OK) {
        fflush(stdout);
        fprintf(stderr, "%s: %s\n", mxg_status_name(status), mxg_last_error());
        exit(EXIT_FAILURE);
    }
}

/* A float32 array of `rows` rows, with a copy of the data. */
static inline mxg_ndarray matrix(int64_t rows, int64_t columns, const float *data)
{
    const int64_t shape[2] = {rows, columns};
    mxg_ndarray a;
    check(mxg_ndarray_from_data(data, "float32", 2, shape, NULL, &a));
    return a;
}

/* A float32 array with one axis, with a copy of the data. */
static inline mxg_ndarray vector(int64_t size, const float *data)
{
    mxg_ndarray a;
    check(mxg_ndarray_from_data(data, "float32", 1, &size, NULL, &a));
    return a;
}

static inline mxg_op find(const char *name)
{
    mxg_op op;
    check(mxg_op_find(name, &op));
    return op;
}

/* name(a) */
static inline mxg_ndarray apply1(const char *name, mxg_ndarray a)
{
    mxg_ndarray out;
    check(mxg_invoke1(find(name), a, &out));
    return out;
}

/* name(a, b) */
static inline mxg_ndarray apply2(const char *name, mxg_ndarray a, mxg_ndarray b)
{
    mxg_ndarray out;
    check(mxg_invoke2(find(name), a, b, &out));
    return out;
}

/* name(a, number) */
static inline mxg_ndarray apply_number(const char *name, mxg_ndarray a, double number)
{
    mxg_ndarray out;
    check(mxg_invoke_scalar(find(name), a, number, 0, &out));
    return out;
}

/* name(a, key=value); without `a` if that is NULL. */
static inline mxg_ndarray apply_with(const char *name, mxg_ndarray a, const char *key, const char *value)
{
    mxg_ndarray out;
    int32_t n = 1;
    check(mxg_invoke(find(name), a != NULL, &a, 1, &key, &value, &n, &out));
    return out;
}

/* Frees the array in *a and puts another one there, for loops and for chains of calls. */
static inline void replace(mxg_ndarray *a, mxg_ndarray by)
{
    check(mxg_ndarray_free(*a));
    *a = by;
}

/* Reads an array with one element, and frees it. */
static inline double take_number(mxg_ndarray a)
{
    double value;
    check(mxg_ndarray_item(a, &value));
    check(mxg_ndarray_free(a));
    return value;
}

/* Prints an array on lines of its own. */
static inline void print(mxg_ndarray a)
{
    static char text[8192];
    check(mxg_ndarray_text(a, text, sizeof text, NULL));
    puts(text);
}

/* Prints an array, and frees it. */
static inline void take_print(mxg_ndarray a)
{
    print(a);
    check(mxg_ndarray_free(a));
}

/* Prints the gradient attached to a variable, or None. */
static inline void print_grad(mxg_ndarray a)
{
    mxg_ndarray grad;
    check(mxg_grad(a, &grad));
    if (grad != NULL)
        take_print(grad);
    else
        puts("None");
}

/* Begins to record, in training mode; the result is for mxg_scope_end. */
static inline int64_t record(void)
{
    int64_t scope;
    check(mxg_scope_begin(1, 1, &scope));
    return scope;
}

#endif
