/* objects.h - what the programs share that call mxgrad's classes: an error ends the program, as in example.h.
 *
 * A result belongs to the caller: an array is freed by mxg_ndarray_free, a value by mxg_value_clear.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "example.h"

#include <mxgrad_ops.h>

/* target.method(args...), with arguments by name in the dict `named`; of the package if target is NULL. */
static inline mxg_value call(const mxg_value *target, const char *method, int32_t n, const mxg_value *args,
                             const mxg_value *named)
{
    mxg_value result;
    check(mxg_call(target, method, n, args, named, &result));
    return result;
}

/* A call whose result is not wanted. */
static inline void call_only(const mxg_value *target, const char *method, int32_t n, const mxg_value *args)
{
    check(mxg_call(target, method, n, args, NULL, NULL));
}

/* The array in a value, which now is the caller's. */
static inline mxg_ndarray take_array(mxg_value v)
{
    if (v.kind != MXG_IS_NDARRAY) {
        fprintf(stderr, "not an array, but a value of kind %d\n", v.kind);
        exit(EXIT_FAILURE);
    }
    return (mxg_ndarray)v.at;
}

/* block(x) */
static inline mxg_ndarray forward(const mxg_value *block, mxg_ndarray x)
{
    const mxg_value input = MXG_NEW_NDARRAY(x);
    return take_array(call(block, NULL, 1, &input, NULL));
}

/* Prints an object on lines of its own. */
static inline void print_object(const mxg_value *v)
{
    static char text[8192];
    check(mxg_object_text((mxg_object)v->at, text, sizeof text, NULL));
    puts(text);
}

/* gluon.nn.Dense(units, activation=activation) */
static inline mxg_value dense(int units, const char *activation)
{
    const mxg_value n = MXG_NEW_INT(units);
    const mxg_value pair[2] = {MXG_NEW_STRING("activation"), MXG_NEW_STRING(activation)};
    const mxg_value named = MXG_NEW_DICT(activation != NULL ? 2 : 0, pair);
    return call(NULL, "gluon.nn.Dense", 1, &n, &named);
}

/* A Sequential of these layers, which it takes over, with first values for its parameters. */
static inline mxg_value sequential(int32_t n, mxg_value *layers)
{
    mxg_value net = call(NULL, "gluon.nn.Sequential", 0, NULL, NULL);
    int32_t i;
    call_only(&net, "add", n, layers);
    for (i = 0; i < n; i++)
        check(mxg_value_clear(&layers[i]));
    call_only(&net, "initialize", 0, NULL);
    return net;
}

#endif
