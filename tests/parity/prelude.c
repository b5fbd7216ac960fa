/* What the C rendering of steps.txt begins with: values, one function for each form of a step, and how a
 * step's result or error is printed.  A call that fails jumps to the end of its step. */
#include <mxgrad.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONE, NUMBER, TEXT, ARRAY, LIST };

enum { ROOM = 16, TEXT_ROOM = 4096, POOL = 4096 };

typedef struct {
    int kind;
    double number;
    char text[64];
    int n;
    mxg_ndarray array[ROOM]; /* one for ARRAY, n for LIST */
    char name[ROOM][16];     /* of the arrays of a file */
} value;

static jmp_buf *end_of_step;
static mxg_ndarray pool[POOL]; /* the handles to free at the end of the case */
static int in_pool;
static int64_t outer_scope; /* the first that the step began */

static void check(int status)
{
    if (status != MXG_OK)
        longjmp(*end_of_step, 1);
}

static void begin_case(jmp_buf *end)
{
    end_of_step = end;
    in_pool = 0;
}

static void end_case(const char *name)
{
    int64_t left = -1;
    if (mxg_ndarray_free_n(in_pool, pool) != MXG_OK || mxg_live(0, &left) != MXG_OK || left != 0) {
        fprintf(stderr, "%s: %lld handles are left: %s\n", name, (long long)left, mxg_last_error());
        exit(1);
    }
}

static mxg_ndarray hold(mxg_ndarray a)
{
    if (in_pool == POOL)
        abort();
    pool[in_pool++] = a;
    return a;
}

static value none(void)
{
    value v = {0};
    return v;
}

static value number(double x)
{
    value v = none();
    v.kind = NUMBER;
    v.number = x;
    return v;
}

static value array(mxg_ndarray a)
{
    value v = none();
    if (a == NULL)
        return v;
    v.kind = ARRAY;
    v.n = 1;
    v.array[0] = hold(a);
    return v;
}

static value list(int n, const value *values)
{
    value v = none();
    v.kind = LIST;
    for (v.n = 0; v.n < n; v.n++)
        v.array[v.n] = values[v.n].array[0];
    return v;
}

static value entry(value v, int i)
{
    value one = none();
    one.kind = ARRAY;
    one.n = 1;
    one.array[0] = v.array[i];
    return one;
}

static value named_entry(value v, const char *name)
{
    int i;
    for (i = 0; i < v.n; i++)
        if (strcmp(v.name[i], name) == 0)
            return entry(v, i);
    abort();
}

/* ---- printing */

static void show(const char *place, value v)
{
    int i;
    printf("@%s\n", place);
    if (v.kind == NONE)
        puts("None");
    if (v.kind == NUMBER)
        printf("%.9g\n", v.number);
    if (v.kind == TEXT)
        puts(v.text);
    for (i = 0; i < v.n; i++) {
        char text[TEXT_ROOM];
        check(mxg_ndarray_text(v.array[i], text, sizeof text, NULL));
        puts(text);
    }
}

static void failed(const char *place)
{
    const char *own = strstr(mxg_last_error(), "Failure: "); /* what a callback said */
    printf("@%s\n! %s\n", place, own != NULL ? own : mxg_last_error());
    if (outer_scope != 0)
        mxg_scope_end(outer_scope);
}

/* ---- arrays */

static value from_data(const void *data, const char *dtype, int ndim, const int64_t *shape)
{
    mxg_ndarray a;
    check(mxg_ndarray_from_data(data, dtype, ndim, shape, NULL, &a));
    return array(a);
}

static value filled(double x, const char *dtype, int ndim, const int64_t *shape)
{
    mxg_ndarray a;
    if (x == 0)
        check(mxg_ndarray_zeros(dtype, ndim, shape, NULL, &a));
    else if (x == 1)
        check(mxg_ndarray_ones(dtype, ndim, shape, NULL, &a));
    else
        check(mxg_ndarray_full(x, dtype, ndim, shape, NULL, &a));
    return array(a);
}

static value shape_of(value x)
{
    value v = none();
    int64_t shape[32];
    int32_t ndim;
    int i, used;
    check(mxg_ndarray_shape(x.array[0], 32, shape, &ndim));
    v.kind = TEXT;
    used = sprintf(v.text, "[");
    for (i = 0; i < ndim; i++)
        used += sprintf(v.text + used, i ? ", %lld" : "%lld", (long long)shape[i]);
    sprintf(v.text + used, "]");
    return v;
}

static value dtype_of(value x)
{
    value v = none();
    const char *name;
    check(mxg_ndarray_dtype(x.array[0], &name));
    v.kind = TEXT;
    sprintf(v.text, "%.60s", name);
    return v;
}

static value item_of(value x)
{
    double item;
    check(mxg_ndarray_item(x.array[0], &item));
    return number(item);
}

static value at(value x, int64_t i)
{
    mxg_ndarray a;
    check(mxg_ndarray_at(x.array[0], i, &a));
    return array(a);
}

static value slice(value x, int n, const int64_t *begin, const int64_t *end, const int64_t *step)
{
    mxg_ndarray a;
    check(mxg_ndarray_slice(x.array[0], n, begin, end, step, NULL, &a));
    return array(a);
}

static void assign(value x, value y)
{
    if (y.kind == NUMBER)
        check(mxg_ndarray_assign_scalar(x.array[0], y.number));
    else
        check(mxg_ndarray_assign(x.array[0], y.array[0]));
}

static void assign_slice(value x, int n, const int64_t *begin, const int64_t *end, const int64_t *step,
                         const int32_t *drop, value y)
{
    if (y.kind == NUMBER) {
        mxg_ndarray scalar;
        const char *dtype;
        check(mxg_ndarray_dtype(x.array[0], &dtype));
        check(mxg_ndarray_scalar(y.number, dtype, NULL, &scalar));
        y = array(scalar);
    }
    check(mxg_ndarray_assign_slice(x.array[0], n, begin, end, step, drop, y.array[0]));
}

/* ---- operators */

static mxg_op find(const char *name)
{
    mxg_op op;
    check(mxg_op_find(name, &op));
    return op;
}

/* Arrays and lists of them become one row. */
static int inputs(int n, const value *values, mxg_ndarray *in)
{
    int i, k, count = 0;
    for (i = 0; i < n; i++)
        for (k = 0; k < values[i].n; k++)
            in[count++] = values[i].array[k];
    return count;
}

static value invoke(const char *name, int n, const value *values, const char *params, size_t bytes)
{
    mxg_ndarray in[ROOM];
    value v = none();
    int i, count = inputs(n, values, in);
    v.n = ROOM;
    check(mxg_invoke_packed(find(name), count, in, params, bytes, &v.n, v.array));
    v.kind = v.n == 1 ? ARRAY : LIST;
    for (i = 0; i < v.n; i++)
        hold(v.array[i]);
    return v;
}

static value invoke_into(const char *name, int n, const value *values, value out)
{
    mxg_ndarray in[ROOM];
    int count = inputs(n, values, in);
    check(mxg_invoke_into(find(name), count, in, 0, NULL, NULL, out.array[0]));
    return out;
}

static value binary(const char *name, value x, value y)
{
    mxg_ndarray a;
    if (y.kind == NUMBER)
        check(mxg_invoke_scalar(find(name), x.array[0], y.number, 0, &a));
    else if (x.kind == NUMBER)
        check(mxg_invoke_scalar(find(name), y.array[0], x.number, 1, &a));
    else
        check(mxg_invoke2(find(name), x.array[0], y.array[0], &a));
    return array(a);
}

static void in_place(const char *name, value x, value y)
{
    if (y.kind == NUMBER)
        assign(x, binary(name, x, y));
    else
        invoke_into(name, 2, (value[]){x, y}, x);
}

/* ---- differentiation */

static value gradient(value x)
{
    mxg_ndarray g;
    check(mxg_grad(x.array[0], &g));
    return array(g);
}

static value detach(value x)
{
    mxg_ndarray a;
    check(mxg_detach(x.array[0], &a));
    return array(a);
}

static value flag(int (*ask)(int *))
{
    int on;
    check(ask(&on));
    return number(on);
}

static value set_flag(int (*set)(int, int *), int on)
{
    int previous;
    check(set(on, &previous));
    return number(previous);
}

static int64_t begin_scope(int recording, int training)
{
    int64_t scope;
    check(mxg_scope_begin(recording, training, &scope));
    if (outer_scope == 0)
        outer_scope = scope;
    return scope;
}

static void mark_variables(value variables, value gradients, const char *const *grad_reqs)
{
    check(mxg_mark_variables(variables.n, variables.array, gradients.array, grad_reqs));
}

static void backward(value heads, value head_grads, int retain, int train)
{
    const mxg_ndarray *grads = head_grads.kind == NONE ? NULL : head_grads.array;
    check(mxg_backward(heads.n, heads.array, grads, retain, train));
}

static value gradients_of(value heads, value variables, value head_grads, int retain, int create, int train)
{
    const mxg_ndarray *grads = head_grads.kind == NONE ? NULL : head_grads.array;
    value v = none();
    int i;
    check(mxg_grad_of(heads.n, heads.array, grads, variables.n, variables.array, retain, create, train,
                      v.array));
    v.kind = LIST;
    v.n = variables.n;
    for (i = 0; i < v.n; i++)
        hold(v.array[i]);
    return v;
}

/* ---- custom functions: what a generated callback does around its body */

typedef value (*body)(int n, const value *in);

static int call_back(body code, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    jmp_buf *outer = end_of_step, inner;
    value given[ROOM], result;
    int i, status = MXG_OK;
    for (i = 0; i < n_in; i++) {
        given[i] = none();
        given[i].kind = ARRAY;
        given[i].n = 1;
        given[i].array[0] = in[i];
    }
    end_of_step = &inner;
    if (setjmp(inner) == 0) {
        result = code(n_in, given);
        for (i = 0; i < n_out; i++)
            if (result.array[i] != NULL)
                check(mxg_ndarray_dup(result.array[i], &out[i]));
    }
    else
        status = mxg_last_code();
    end_of_step = outer;
    return status;
}

static void failure(const char *message)
{
    check(mxg_set_error(MXG_ERR_CALLBACK, message));
}

static value call_function(const char *name, mxg_callback forward, mxg_callback back, int n,
                           const value *values, int n_out)
{
    mxg_ndarray in[ROOM];
    value v = none();
    mxg_function f;
    int i, status, count = inputs(n, values, in);
    check(mxg_function_new(name, forward, back, NULL, NULL, &f));
    status = mxg_function_call(f, count, in, n_out, v.array);
    if (mxg_function_free(f) != MXG_OK)
        abort();
    check(status);
    v.n = n_out;
    v.kind = n_out == 1 ? ARRAY : LIST;
    for (i = 0; i < n_out; i++)
        hold(v.array[i]);
    return v;
}

/* ---- files */

static void save(const char *path, value arrays, const char *const *names)
{
    check(mxg_save(path, arrays.n, names, arrays.array));
}

static value load(const char *path)
{
    char names[ROOM * 16], *name = names;
    value v = none();
    int i;
    check(mxg_load(path, ROOM, v.array, &v.n, names, sizeof names, NULL));
    v.kind = LIST;
    for (i = 0; i < v.n; i++) {
        hold(v.array[i]);
        sprintf(v.name[i], "%.15s", name);
        name += strlen(name) + 1;
    }
    return v;
}
