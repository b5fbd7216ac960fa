/* values.c - the exported functions of mxgrad.h for objects and values: argument checks, memory of values
 *
 * What a value holds that the library made is in blocks of malloc, one for each string or list.  Everything
 * that computes is in objects.py.
 */
#include <stdlib.h>
#include <string.h>

#define MXG_API __attribute__((visibility("default")))
#include "shim.h"

/* Writes "none" into the result, if one is wanted. */
static void make_none(mxg_value *value)
{
    if (value != NULL)
        memset(value, 0, sizeof *value);
}

/* ---- calls -------------------------------------------------------------------------------------------- */

MXG_API int mxg_call(const mxg_value *target, const char *method, int32_t n_args, const mxg_value *args,
                     const mxg_value *named, mxg_value *result)
{
    int64_t rc = NOT_SIMPLE;
    make_none(result);
    ENTER();
    REQUIRE_N(n_args, args);
    if (target != NULL && (named == NULL || named->kind == MXG_IS_NONE))
        rc = call_simply(target, method, n_args, args, result);
    return status(rc != NOT_SIMPLE ? rc : mxg_py_call(target, method, n_args, args, named, result));
}

MXG_API int mxg_get(const mxg_value *target, const char *name, mxg_value *result)
{
    REQUIRE(result);
    make_none(result);
    ENTER();
    REQUIRE(name);
    return status(mxg_py_get(target, name, result));
}

MXG_API int mxg_set(const mxg_value *target, const char *name, const mxg_value *value)
{
    ENTER();
    REQUIRE(target);
    REQUIRE(name);
    REQUIRE(value);
    return status(mxg_py_set(target, name, value));
}

MXG_API int mxg_get_item(const mxg_value *target, const mxg_value *key, mxg_value *result)
{
    REQUIRE(result);
    make_none(result);
    ENTER();
    REQUIRE(target);
    REQUIRE(key);
    return status(mxg_py_get_item(target, key, result));
}

MXG_API int mxg_set_item(const mxg_value *target, const mxg_value *key, const mxg_value *value)
{
    ENTER();
    REQUIRE(target);
    REQUIRE(key);
    REQUIRE(value);
    return status(mxg_py_set_item(target, key, value));
}

MXG_API int mxg_length(const mxg_value *target, int64_t *n)
{
    int64_t rc;
    ENTER();
    REQUIRE(target);
    REQUIRE(n);
    rc = mxg_py_length(target);
    if (rc > 0)
        *n = rc - 1;
    return status(rc);
}

MXG_API int mxg_iterate(const mxg_value *target, mxg_value *iterator)
{
    REQUIRE(iterator);
    make_none(iterator);
    ENTER();
    REQUIRE(target);
    return status(mxg_py_iterate(target, iterator));
}

MXG_API int mxg_next(const mxg_value *iterator, mxg_value *result, int *more)
{
    int64_t rc;
    REQUIRE(result);
    make_none(result);
    ENTER();
    REQUIRE(iterator);
    REQUIRE(more);
    rc = mxg_py_next(iterator, result);
    if (rc > 0)
        *more = rc == 2;
    return status(rc);
}

MXG_API int mxg_enter(const mxg_value *target, mxg_value *result)
{
    make_none(result);
    ENTER();
    REQUIRE(target);
    return status(mxg_py_enter(target, result));
}

MXG_API int mxg_exit(const mxg_value *target, int is_error)
{
    ENTER();
    REQUIRE(target);
    return status(mxg_py_exit(target, is_error != 0));
}

MXG_API int mxg_subclass(const mxg_value *base, const char *name, const mxg_value *methods, mxg_value *result)
{
    REQUIRE(result);
    make_none(result);
    ENTER();
    REQUIRE(base);
    REQUIRE(name);
    REQUIRE(methods);
    return status(mxg_py_subclass(base, name, methods, result));
}

/* ---- objects ------------------------------------------------------------------------------------------ */

MXG_API int mxg_object_dup(mxg_object o, mxg_object *out)
{
    int64_t rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    rc = mxg_py_object_dup(H(o));
    if (rc > 0)
        *out = (mxg_object)(intptr_t)rc;
    return status(rc);
}

MXG_API int mxg_object_free(mxg_object o)
{
    if (o == NULL || is_shut_down())
        return MXG_OK;
    ENTER();
    return status(mxg_py_object_free(H(o)));
}

MXG_API int mxg_object_id(mxg_object o, int64_t *id)
{
    int64_t rc;
    ENTER();
    REQUIRE(id);
    rc = mxg_py_object_id(H(o));
    if (rc > 0)
        *id = rc;
    return status(rc);
}

MXG_API int mxg_object_is_a(mxg_object o, const char *name, int *yes)
{
    int64_t rc;
    ENTER();
    REQUIRE(name);
    REQUIRE(yes);
    rc = mxg_py_object_is_a(H(o), name);
    if (rc > 0)
        *yes = rc == 2;
    return status(rc);
}

MXG_API int mxg_object_class(mxg_object o, const char **name)
{
    ENTER();
    REQUIRE(name);
    return give_name(mxg_py_object_class(H(o)), name);
}

MXG_API int mxg_object_text(mxg_object o, char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_OBJECT, H(o), buf, cap, need);
}

MXG_API int mxg_object_parameters(mxg_object o, char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_PARAMETERS, H(o), buf, cap, need);
}

/* ---- memory of values --------------------------------------------------------------------------------- */

/* A copy of `count` bytes and a NUL, as a value of that kind. */
static int copy_bytes(int32_t kind, const void *bytes, int32_t count, mxg_value *out)
{
    char *copy = malloc((size_t)count + 1);
    if (copy == NULL)
        return fail(MXG_ERR_MEMORY, "no memory for %ld bytes", (long)count);
    if (count > 0)
        memcpy(copy, bytes, (size_t)count);
    copy[count] = 0;
    out->kind = kind;
    out->count = count;
    out->at = copy;
    return MXG_OK;
}

MXG_API int mxg_value_string(const char *text, int32_t count, mxg_value *out)
{
    REQUIRE(out);
    make_none(out);
    REQUIRE(text);
    if (count < -1 || (count == -1 && strlen(text) > INT32_MAX - 1))
        return fail(MXG_ERR_VALUE, "count is %ld", (long)count);
    return copy_bytes(MXG_IS_STRING, text, count < 0 ? (int32_t)strlen(text) : count, out);
}

MXG_API int mxg_value_bytes(const void *bytes, int32_t count, mxg_value *out)
{
    REQUIRE(out);
    make_none(out);
    REQUIRE_N(count, bytes);
    return copy_bytes(MXG_IS_BYTES, bytes, count, out);
}

MXG_API int mxg_value_list(int32_t count, int dict, mxg_value *out)
{
    void *values;
    REQUIRE(out);
    make_none(out);
    if (count < 0 || (dict && count % 2 != 0))
        return fail(MXG_ERR_VALUE, "count is %ld; it must %s", (long)count,
                    dict ? "be even: key, value, ..." : "not be negative");
    values = calloc(count > 0 ? (size_t)count : 1, sizeof(mxg_value));
    if (values == NULL)
        return fail(MXG_ERR_MEMORY, "no memory for %ld values", (long)count);
    out->kind = dict ? MXG_IS_DICT : MXG_IS_LIST;
    out->count = count;
    out->at = values;
    return MXG_OK;
}

MXG_API int mxg_value_clear(mxg_value *value)
{
    int32_t i;
    int rc = MXG_OK, each;
    void *memory;
    if (value == NULL)
        return MXG_OK;
    memory = (void *)(intptr_t)value->at;
    switch (value->kind) {
    case MXG_IS_NDARRAY:
        rc = mxg_ndarray_free(memory);
        break;
    case MXG_IS_OBJECT:
        rc = mxg_object_free(memory);
        break;
    case MXG_IS_LIST:
    case MXG_IS_DICT:
        for (i = 0; memory != NULL && i < value->count; i++)
            if ((each = mxg_value_clear((mxg_value *)memory + i)) != MXG_OK)
                rc = each;
        free(memory);
        break;
    case MXG_IS_STRING:
    case MXG_IS_BYTES:
        free(memory);
        break;
    default: /* a number needs nothing, a callable is the caller's */
        break;
    }
    make_none(value);
    return rc;
}
