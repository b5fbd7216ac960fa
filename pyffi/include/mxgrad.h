/* mxgrad.h - arrays, operators and automatic differentiation for C
 *
 * mxgrad is one engine with three front doors: Python, C and Perl.  This header is the C door, and its
 * manual.  The library starts the engine by itself at the first call; nothing has to be set in the
 * environment.
 *
 * A first program.  It differentiates y = sum(x * x) and prints "dy/dx = 2 4 6":
 *
 *     #include <mxgrad.h>
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *
 *     static void check(int status)
 *     {
 *         if (status != MXG_OK) {
 *             fprintf(stderr, "%s\n", mxg_last_error());
 *             exit(1);
 *         }
 *     }
 *
 *     int main(void)
 *     {
 *         const float data[3] = {1, 2, 3};
 *         const int64_t shape[1] = {3};
 *         float dx[3];
 *         int64_t scope;
 *         mxg_op multiply, sum;
 *         mxg_ndarray x, squares, y, grad;
 *
 *         check(mxg_op_find("multiply", &multiply));
 *         check(mxg_op_find("sum", &sum));
 *         check(mxg_ndarray_from_data(data, "float32", 1, shape, NULL, &x));
 *         check(mxg_attach_grad(x, "write"));
 *
 *         check(mxg_scope_begin(1, 1, &scope));
 *         check(mxg_invoke2(multiply, x, x, &squares));
 *         check(mxg_invoke1(sum, squares, &y));
 *         check(mxg_scope_end(scope));
 *
 *         check(mxg_backward(1, &y, NULL, 0, 1));
 *         check(mxg_grad(x, &grad));
 *         check(mxg_ndarray_copy_to(grad, dx, sizeof dx));
 *         printf("dy/dx = %g %g %g\n", dx[0], dx[1], dx[2]);
 *
 *         mxg_ndarray_free(grad);
 *         mxg_ndarray_free(y);
 *         mxg_ndarray_free(squares);
 *         mxg_ndarray_free(x);
 *         return 0;
 *     }
 *
 *     cc first.c $(mxgrad-config --cflags --libs) -o first
 *
 * Status.  Every function returns MXG_OK (0) or a negative MXG_ERR_* number, except mxg_version*,
 * mxg_abi_version, mxg_status_name and mxg_last_*, which cannot fail.  After every failure mxg_last_error()
 * has a message.  "Errors: HANDLE, VALUE" below names the MXG_ERR_* numbers that a function can return
 * besides INIT, SHUTDOWN, MEMORY and INTERNAL, which all can.
 *
 * Ownership.  A handle that you get through an out pointer is yours: free it exactly once.  A handle that you
 * pass in is borrowed for the call; the library holds what it needs (a recorded computation keeps its arrays
 * alive after you freed your handles).  Freeing NULL does nothing.  A NULL, stale, doubly freed or foreign
 * handle is always an error (MXG_ERR_HANDLE), never undefined behaviour: handles are numbers that are never
 * used twice.
 *
 * Out parameters come last.  Handle outs are set to NULL on entry and stay NULL after an error; other outs
 * are left alone after an error, except a count or size that says what MXG_ERR_BUFFER would have needed.
 *
 * Text of variable size goes into your buffer: `buf` of `cap` bytes gets it with its final NUL; `*need`, if
 * `need` is not NULL, is the size with the NUL.  Call with NULL and 0 to ask for the size; too small a buffer
 * is MXG_ERR_BUFFER.  Results of type `const char *` belong to the library.
 *
 * Strings are UTF-8 and end in NUL; what is not UTF-8 is MXG_ERR_VALUE.
 *
 * Dtypes are named as in NumPy: "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
 * "uint16", "uint32", "uint64", "bool" (one byte).  NULL for a dtype of a new array means "float32".
 *
 * Contexts are named "cpu(0)" or "gpu(1)"; "cpu" and "gpu" mean device 0.  NULL for the context of a new
 * array means the default one, "cpu(0)".  The data of arrays crosses this interface in host memory, wherever
 * the array lives.
 *
 * Threads.  Every function may be called from any thread at any time, without a lock.  The recording and
 * training flags, the scopes, the location and the last error belong to the calling thread.  Two threads that
 * write one array race, as in NumPy.  fork() is safe; an engine that uses a GPU does not survive it.
 * Callbacks run on the thread that made the call, and may call any function here.
 *
 * What is not touched: locale, signal handlers, environment, standard streams and the exit code of your
 * program.  Leaving a callback by longjmp or by a C++ exception is undefined.
 *
 * Numerical operators are not functions of this header: they are found by name (mxg_op_find) and called
 * through mxg_invoke; mxg_op_info documents each.  mxgrad_ops.h, made when the library is built, has a
 * function for each, with its parameters by name.  mxgrad.hpp is for C++17.
 */
#ifndef MXGRAD_H
#define MXGRAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MXG_API
#define MXG_API
#endif

/* The version of this header as text; MXG_VERSION below is the number. */
#define MXG_VERSION_TEXT "0.1.0"

/* Records the caller's file and line for the calls that follow: see mxg_set_location. */
#define MXG_HERE() mxg_set_location(__FILE__, __LINE__)

/* In the index arrays of mxg_ndarray_slice: this begin or end is left out. */
#define MXG_NONE INT64_MIN

/* MXG-BEGIN: the part up to MXG-END is also read by the generators of the bindings, which know only comments,
 * #define of a number, typedef, and prototypes that start with MXG_API. */

/* Version of this header: 10000 * major + 100 * minor + patch.  Compare with mxg_version(), the library's
 * own. */
#define MXG_VERSION 100

/* Version of the binary interface, which is also the number in libmxgrad.so.1.  Within it no function is
 * removed or changes its signature, and no number gets another meaning. */
#define MXG_ABI_VERSION 1

/* ---- status ------------------------------------------------------------------------------------------- */

#define MXG_OK 0
/* A fault of mxgrad itself. */
#define MXG_ERR_INTERNAL (-1)
/* The engine could not be started; the message says which file or module is at fault.  It stays so. */
#define MXG_ERR_INIT (-2)
/* NULL, stale, doubly freed or foreign handle. */
#define MXG_ERR_HANDLE (-3)
/* An argument has a value that the call cannot use: a NULL pointer, text that is not UTF-8, a shape that does
 * not fit, an index out of bounds, .... */
#define MXG_ERR_VALUE (-4)
#define MXG_ERR_MEMORY (-5)
/* A custom function's callback failed; its own message is in the text. */
#define MXG_ERR_CALLBACK (-6)
/* The host process is past its end: the Python that hosts the library has finished. */
#define MXG_ERR_SHUTDOWN (-7)
/* A dtype, an unknown parameter, a missing argument, or an operation that these arrays do not have. */
#define MXG_ERR_TYPE (-8)
/* A device that does not exist or cannot be used, or arrays of different devices in one call. */
#define MXG_ERR_CONTEXT (-9)
/* No operator, file or name like this. */
#define MXG_ERR_NOTFOUND (-10)
/* The tape cannot do it: nothing recorded, graph already freed, a recorded value was overwritten, .... */
#define MXG_ERR_AUTOGRAD (-11)
/* Reading or writing a file failed, or the file is damaged or foreign. */
#define MXG_ERR_IO (-12)
/* The caller's buffer or array is too small; the count or size out parameter says what is needed. */
#define MXG_ERR_BUFFER (-13)
/* An iterator, such as a data iterator's `next`, has nothing more to give.  In a callback it says the
 * same. */
#define MXG_ERR_STOP (-14)

/* ---- types -------------------------------------------------------------------------------------------- */

/* An array; freed by mxg_ndarray_free.  Several handles may stand for one array: see mxg_ndarray_dup. */
typedef struct mxg_ndarray_s *mxg_ndarray;

/* An operator.  Operators live as long as the process and are not freed. */
typedef struct mxg_op_s *mxg_op;

/* A custom differentiable function made of two callbacks; freed by mxg_function_free. */
typedef struct mxg_function_s *mxg_function;

/* Computations that were recorded to be run again; freed by mxg_program_free. */
typedef struct mxg_program_s *mxg_program;

/* Anything else of mxgrad's: a block, a trainer, a dataset, a class, a function; freed by mxg_object_free.
 * See mxg_call. */
typedef struct mxg_object_s *mxg_object;

/* What an mxg_value holds.  A new kind is a new number. */
#define MXG_IS_NONE 0
#define MXG_IS_BOOL 1
#define MXG_IS_INT 2
#define MXG_IS_DOUBLE 3
/* `count` bytes of UTF-8, and a NUL after them. */
#define MXG_IS_STRING 4
/* `count` bytes of anything, and a NUL after them. */
#define MXG_IS_BYTES 5
#define MXG_IS_NDARRAY 6
#define MXG_IS_OBJECT 7
/* `count` values in a row; `number` 1 stands for a tuple of Python, 0 for a list. */
#define MXG_IS_LIST 8
/* `count` values in a row: key, value, key, value, ....  A key is a string, a number, or what else may be a
 * key in Python. */
#define MXG_IS_DICT 9
/* A function of the caller's, see mxg_callable: only given to mxgrad, which gives an object back. */
#define MXG_IS_CALLABLE 10

/* One value of any kind; all zeros is "none".  The MXG_NEW_* macros below write the simple ones. */
typedef struct mxg_value {
    int32_t kind;   /* MXG_IS_* */
    int32_t count;  /* of a string, bytes, list or dict; in a string that you give, -1 means: up to the NUL */
    int64_t number; /* of a bool or int; see MXG_IS_LIST */
    double real;    /* of a double */
    const void *at; /* of the others: text, bytes, the handle, the values, the mxg_callable */
} mxg_value;

/* A C function as a value.  It gets the arguments by position, and those by name as a dict (or none), all of
 * them borrowed until it returns; what it writes into `result`, "none" at first, is given away: strings,
 * lists and dicts in it are made by mxg_value_string, mxg_value_bytes and mxg_value_list, and its handles are
 * not freed by the callback.  Status as for mxg_callback; MXG_ERR_STOP ends an iteration. */
typedef int (*mxg_callable_function)(void *ctx, int32_t n_args, const mxg_value *args,
                                     const mxg_value *named, mxg_value *result);

/* Options of mxg_init.  Set struct_size = sizeof(mxg_options) and what you do not use to 0. */
typedef struct mxg_options {
    uint32_t struct_size;
    uint32_t flags;     /* sum of MXG_INIT_* */
    const char *python; /* path of the Python interpreter to start, or NULL: see mxg_init */
} mxg_options;

/* Python's objects come from malloc, so that valgrind and sanitizers see them. */
#define MXG_INIT_MALLOC 1

/* The forward or the backward callback of a custom function: see mxg_function_new. */
typedef int (*mxg_callback)(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out);

/* Called once with the ctx of a custom function or a callable when nobody needs it any more: on the thread
 * that made it.  Where another thread needed it last, that is when the first one makes the next. */
typedef void (*mxg_deleter)(void *ctx);

/* What an mxg_value of kind MXG_IS_CALLABLE points to.  It is copied.  `del`, which may be NULL, is called
 * once when mxgrad needs the function no more: also when the call that it was given to fails, unless that
 * found a NULL or a negative count (its message begins with the name of the function of this header). */
typedef struct mxg_callable {
    mxg_callable_function function;
    void *ctx;
    mxg_deleter del;
} mxg_callable;

/* ---- library ------------------------------------------------------------------------------------------ */

/* The library's MXG_VERSION. */
MXG_API int mxg_version(void);

/* The library's version as text, such as "0.1.0". */
MXG_API const char *mxg_version_string(void);

/* The library's MXG_ABI_VERSION. */
MXG_API int mxg_abi_version(void);

/* Starts the engine.  Optional: any other call does it with the defaults, which `options` = NULL also means.
 * Once it succeeded, further calls do nothing; once it failed, every call fails with the same MXG_ERR_INIT
 * and message.  Takes some 0.1 s.
 *
 * Which Python is started: options->python; else the one that the environment variable MXGRAD_PYTHON names;
 * else that of the environment (virtual or not) in which the library is installed; else the one it was built
 * with.  No other environment variable of Python's has an effect.  In a process that runs Python already,
 * that one is used; it has to be of the version that the library was built for. */
MXG_API int mxg_init(const mxg_options *options);

/* Describes the running library as a JSON object: "version", "abi", "library", "engine", "python" (version),
 * "executable", "prefix", "libpython", "numpy" (version), "hosted" (true inside a running Python), "contexts"
 * (list of names).  Text goes into `buf` as the top of this file says.  Put it into bug reports. */
MXG_API int mxg_info(char *buf, size_t cap, size_t *need);

/* Counts the handles that were given out and not yet freed.  `kind`: 0 all, 1 arrays, 2 custom functions,
 * 3 objects, 4 programs.
 * Errors: VALUE. */
MXG_API int mxg_live(int32_t kind, int64_t *count);

/* Waits until all computation is done and its results can be read.  On the CPU it already is. */
MXG_API int mxg_waitall(void);

/* ---- errors: of the calling thread -------------------------------------------------------------------- */

/* Message of the last failed call of this thread, "" if none failed.  It starts with the kind of error, as in
 * "InvalidValueError: ...", and may have several lines.  Valid until the next call of this thread. */
MXG_API const char *mxg_last_error(void);

/* Status of the last failed call of this thread, MXG_OK if none failed.  A call that succeeds does not clear
 * it. */
MXG_API int mxg_last_code(void);

/* Name of the engine's exception class behind the last error, such as "InvalidValueError"; "" if no call
 * failed. */
MXG_API const char *mxg_last_type(void);

/* The engine's traceback of the last error: for bug reports.  "" when there is none. */
MXG_API const char *mxg_last_traceback(void);

/* Sets this thread's last error; for callbacks, which do it just before they return a status other than
 * MXG_OK.  `code` is an MXG_ERR_* number, `message` is cut at 1023 bytes.  Returns `code`, so that a callback
 * may write `return mxg_set_error(MXG_ERR_VALUE, "negative input");`.  A `code` that is no MXG_ERR_* counts
 * as MXG_ERR_CALLBACK. */
MXG_API int mxg_set_error(int code, const char *message);

/* Name of a status, such as "MXG_ERR_VALUE"; "unknown status" for another number.  Static text. */
MXG_API const char *mxg_status_name(int code);

/* Says where in the caller's source the calls that follow on this thread are made.  Recorded computations
 * remember it, and errors of the tape name it.  `file` is copied; NULL forgets the location.  In C, write
 * MXG_HERE(). */
MXG_API int mxg_set_location(const char *file, int line);

/* ---- arrays: make ------------------------------------------------------------------------------------- */

/* An array with a copy of `data`: elements of `dtype` in C order (the last axis varies fastest).  `shape` has
 * `ndim` sizes; with ndim 0 it may be NULL and the array has one element.  `data` may be NULL if there is no
 * element.
 * Errors: TYPE (unknown dtype), CONTEXT (no such device), VALUE (ndim not in 0..32, negative size), MEMORY.
 *  */
MXG_API int mxg_ndarray_from_data(const void *data, const char *dtype, int32_t ndim, const int64_t *shape,
                                  const char *context, mxg_ndarray *out);

/* An array of zeros.  Errors: as mxg_ndarray_from_data. */
MXG_API int mxg_ndarray_zeros(const char *dtype, int32_t ndim, const int64_t *shape, const char *context,
                              mxg_ndarray *out);

/* An array of ones.  Errors: as mxg_ndarray_from_data. */
MXG_API int mxg_ndarray_ones(const char *dtype, int32_t ndim, const int64_t *shape, const char *context,
                             mxg_ndarray *out);

/* An array with every element `value`.  Errors: as mxg_ndarray_from_data. */
MXG_API int mxg_ndarray_full(double value, const char *dtype, int32_t ndim, const int64_t *shape,
                             const char *context, mxg_ndarray *out);

/* An array of shape (1,) that holds `value`.  Errors: as mxg_ndarray_from_data. */
MXG_API int mxg_ndarray_scalar(double value, const char *dtype, const char *context, mxg_ndarray *out);

/* Another handle for the same array.  Errors: HANDLE. */
MXG_API int mxg_ndarray_dup(mxg_ndarray a, mxg_ndarray *out);

/* Gives a handle back.  NULL is fine.  Errors: HANDLE. */
MXG_API int mxg_ndarray_free(mxg_ndarray a);

/* Gives `n` handles back in one call, which is quicker; NULL entries are skipped.  If one is wrong, the
 * others are freed all the same and the call fails.
 * Errors: HANDLE. */
MXG_API int mxg_ndarray_free_n(int32_t n, const mxg_ndarray *a);

/* ---- arrays: ask and read ----------------------------------------------------------------------------- */

/* The shape: `*ndim` sizes into `shape`, which has room for `cap`.  Call with cap 0 and NULL to ask for ndim
 * only.
 * Errors: HANDLE, BUFFER. */
MXG_API int mxg_ndarray_shape(mxg_ndarray a, int32_t cap, int64_t *shape, int32_t *ndim);

/* The dtype's name.  Static text.  Errors: HANDLE. */
MXG_API int mxg_ndarray_dtype(mxg_ndarray a, const char **name);

/* The context's name, such as "cpu(0)".  Static text.  Errors: HANDLE. */
MXG_API int mxg_ndarray_context(mxg_ndarray a, const char **name);

/* Size of the elements together, in bytes.  Errors: HANDLE. */
MXG_API int mxg_ndarray_nbytes(mxg_ndarray a, size_t *nbytes);

/* Copies the elements out, in C order.  `nbytes` must be what mxg_ndarray_nbytes says.  Waits for the
 * computation.
 * Errors: HANDLE, VALUE (another size). */
MXG_API int mxg_ndarray_copy_to(mxg_ndarray a, void *dst, size_t nbytes);

/* Overwrites all elements, given in C order.  `nbytes` must be what mxg_ndarray_nbytes says.
 * Errors: HANDLE, VALUE (another size), AUTOGRAD (the array must not be overwritten now). */
MXG_API int mxg_ndarray_copy_from(mxg_ndarray a, const void *src, size_t nbytes);

/* The elements in place: address and size of the memory of a C-contiguous array in a cpu context.  Valid
 * until the last handle of the array is freed.  After you wrote through it, call mxg_ndarray_touch.
 * Errors: HANDLE, VALUE (not contiguous, not in a cpu context). */
MXG_API int mxg_ndarray_data(mxg_ndarray a, void **data, size_t *nbytes);

/* Says that the elements were changed through a pointer (mxg_ndarray_data, DLPack), so that a recorded
 * computation that still needs the old values reports it instead of a wrong gradient.
 * Errors: HANDLE. */
MXG_API int mxg_ndarray_touch(mxg_ndarray a);

/* The value of an array with one element.  Errors: HANDLE, VALUE (another number of elements). */
MXG_API int mxg_ndarray_item(mxg_ndarray a, double *value);

/* The array as text, as Python prints it.  Errors: HANDLE, BUFFER. */
MXG_API int mxg_ndarray_text(mxg_ndarray a, char *buf, size_t cap, size_t *need);

/* The array in another context; another handle of the same array if it is there already.  Differentiable.
 * Errors: HANDLE, CONTEXT (no such device). */
MXG_API int mxg_ndarray_as_in_context(mxg_ndarray a, const char *context, mxg_ndarray *out);

/* ---- arrays: part and assign -------------------------------------------------------------------------- */

/* Part of an array: begin[i], end[i], step[i] choose along axis i < n as Python's begin:end:step does
 * (negative indices count from the end, MXG_NONE leaves one out, bounds outside the axis are cut), later axes
 * are whole.  Where drop[i] is not 0, the single index begin[i] is chosen and the axis goes away.  step and
 * drop may be NULL (all steps 1; no axis goes away).  The result is a view where the layout allows: writing
 * to it writes to `a`.  Differentiable.
 * Errors: HANDLE, VALUE (a dropped index out of bounds, step 0, n > ndim). */
MXG_API int mxg_ndarray_slice(mxg_ndarray a, int32_t n, const int64_t *begin, const int64_t *end,
                              const int64_t *step, const int32_t *drop, mxg_ndarray *out);

/* a[i]: entry i of the first axis, which goes away (of an array with one axis: shape (1,), but () with arrays
 * of np).  A view.  Differentiable.
 * Errors: HANDLE, VALUE (out of bounds). */
MXG_API int mxg_ndarray_at(mxg_ndarray a, int64_t i, mxg_ndarray *out);

/* a[index[0], index[1], ...]: chosen entries, with the rules of Python's advanced indexing; a NULL entry in
 * `index` stands for a whole axis.  A copy.  Differentiable.
 * Errors: HANDLE, VALUE (out of bounds), TYPE. */
MXG_API int mxg_ndarray_index(mxg_ndarray a, int32_t n, const mxg_ndarray *index, mxg_ndarray *out);

/* Overwrites all of `a` with `value`, broadcast to its shape and cast to its dtype.
 * Errors: HANDLE, VALUE, AUTOGRAD (the array must not be overwritten now). */
MXG_API int mxg_ndarray_assign(mxg_ndarray a, mxg_ndarray value);

/* Overwrites all of `a` with a number.  Errors: HANDLE, AUTOGRAD. */
MXG_API int mxg_ndarray_assign_scalar(mxg_ndarray a, double value);

/* Overwrites the part of `a` that mxg_ndarray_slice would give.  Differentiable where the engine allows the
 * write.
 * Errors: as mxg_ndarray_slice and mxg_ndarray_assign. */
MXG_API int mxg_ndarray_assign_slice(mxg_ndarray a, int32_t n, const int64_t *begin, const int64_t *end,
                                     const int64_t *step, const int32_t *drop, mxg_ndarray value);

/* Overwrites the part of `a` that mxg_ndarray_index would give.
 * Errors: as mxg_ndarray_index and mxg_ndarray_assign. */
MXG_API int mxg_ndarray_assign_index(mxg_ndarray a, int32_t n, const mxg_ndarray *index, mxg_ndarray value);

/* ---- arrays: exchange --------------------------------------------------------------------------------- */

/* Writes arrays to a file in MXNet's .params format.  `names` has one name for each array, or is NULL for a
 * nameless list.
 * Errors: HANDLE, IO. */
MXG_API int mxg_save(const char *path, int32_t n, const char *const *names, const mxg_ndarray *a);

/* Reads a file in MXNet's .params format.  `*n` is the number of arrays in it; they go into `a`, which has
 * room for `cap`.  Their names go into `names`, each with its final NUL, one after the other, in the order of
 * the arrays (all empty for a nameless list); `*need`, if `need` is not NULL, is their size in bytes; names
 * may be NULL, with names_cap 0, if they are not wanted.  Call with cap 0 and NULL to ask for `*n` and
 * `*need` only.
 * Errors: NOTFOUND, IO (damaged or foreign), BUFFER. */
MXG_API int mxg_load(const char *path, int32_t cap, mxg_ndarray *a, int32_t *n, char *names, size_t names_cap,
                     size_t *need);

/* Takes over memory that another library describes by DLPack, without a copy.  `managed` points to a
 * DLManagedTensor, or, when `versioned` is not 0, to a DLManagedTensorVersioned of major version 1; its
 * memory is on the CPU.  After success its deleter is called once, when the array is no longer used; after an
 * error it is still yours.
 * Errors: VALUE (other device or version), TYPE (dtype). */
MXG_API int mxg_ndarray_from_dlpack(void *managed, int versioned, mxg_ndarray *out);

/* Describes the array's memory by DLPack, without a copy: `*managed` becomes the address of a
 * DLManagedTensorVersioned, version 1.0, whose deleter you call once.  The array lives at least as long.
 * Only in a cpu context.
 * Errors: HANDLE, VALUE (not in a cpu context). */
MXG_API int mxg_ndarray_to_dlpack(mxg_ndarray a, void **managed);

/* ---- operators ---------------------------------------------------------------------------------------- */

/* The operator with this name: "dot", "sum", "random.uniform", ... as Python's mxgrad.nd has them, "np.exp",
 * "npx.relu", ... for those of mxgrad.np and mxgrad.npx.
 * Errors: NOTFOUND (the message suggests the nearest). */
MXG_API int mxg_op_find(const char *name, mxg_op *out);

/* How many operators there are. */
MXG_API int mxg_op_count(int32_t *n);

/* Operator number i of mxg_op_count and its name, which is static text.  Errors: VALUE (i out of range). */
MXG_API int mxg_op_at(int32_t i, mxg_op *out, const char **name);

/* Describes an operator as a JSON object: "name", "arrays" (names of the array arguments in order; "*args"
 * stands for any number), "params" (object: name -> {"required": true} or {"default": text}), "doc".
 * Errors: HANDLE, BUFFER. */
MXG_API int mxg_op_info(mxg_op op, char *buf, size_t cap, size_t *need);

/* Calls an operator on `n_in` arrays.  A NULL entry in `in` leaves an optional array out.  Parameters are
 * n_params texts, keys[i] = vals[i], written as in Python: "1", "0.5", "True", "None", "(0, 1)", "float32".
 * Where Python takes a number for an array, as np.where does, leave the array out and give it as a parameter.
 * On entry `*n_out` is the room in `out`, after success the number of results.  Recorded while this thread
 * records.
 * Errors: HANDLE, TYPE (unknown or missing parameter, dtype), VALUE, CONTEXT, BUFFER (nothing is kept; the
 * operator did run). */
MXG_API int mxg_invoke(mxg_op op, int32_t n_in, const mxg_ndarray *in, int32_t n_params,
                       const char *const *keys, const char *const *vals, int32_t *n_out, mxg_ndarray *out);

/* mxg_invoke with the parameters in one block of params_bytes: key, NUL, value, NUL, key, NUL, ....  Quicker
 * from other languages, and where the same block serves many calls. */
MXG_API int mxg_invoke_packed(mxg_op op, int32_t n_in, const mxg_ndarray *in, const char *params,
                              size_t params_bytes, int32_t *n_out, mxg_ndarray *out);

/* mxg_invoke that writes its one result into the existing array `dst`, which may be one of the inputs: x += y
 * is in = {x, y}, dst = x.
 * Errors: also AUTOGRAD (the array must not be overwritten now). */
MXG_API int mxg_invoke_into(mxg_op op, int32_t n_in, const mxg_ndarray *in, int32_t n_params,
                            const char *const *keys, const char *const *vals, mxg_ndarray dst);

/* Operator of one array without parameters, one result: op(a).  Errors: as mxg_invoke. */
MXG_API int mxg_invoke1(mxg_op op, mxg_ndarray a, mxg_ndarray *out);

/* Operator of two arrays without parameters, one result: op(a, b).  Errors: as mxg_invoke. */
MXG_API int mxg_invoke2(mxg_op op, mxg_ndarray a, mxg_ndarray b, mxg_ndarray *out);

/* Operator of an array and a number, one result: op(a, value), or op(value, a) when `reversed` is not 0.  A
 * value without fraction counts as an integer.
 * Errors: as mxg_invoke. */
MXG_API int mxg_invoke_scalar(mxg_op op, mxg_ndarray a, double value, int reversed, mxg_ndarray *out);

/* ---- automatic differentiation ------------------------------------------------------------------------ */

/* Switches recording of this thread on or off; `*previous`, if `previous` is not NULL, is what it was. */
MXG_API int mxg_set_recording(int on, int *previous);

/* Switches training mode of this thread on or off; `*previous`, if `previous` is not NULL, is what it was. */
MXG_API int mxg_set_training(int on, int *previous);

/* Whether this thread records. */
MXG_API int mxg_is_recording(int *on);

/* Whether this thread is in training mode (Dropout drops, ...). */
MXG_API int mxg_is_training(int *on);

/* Begins a scope: recording and training become 0 or 1, or stay as they are where -1 is given.  Python's
 * record() is (1, 1), pause() is (0, 0), train_mode() is (-1, 1), predict_mode() is (-1, 0). */
MXG_API int mxg_scope_begin(int32_t recording, int32_t training, int64_t *token);

/* Ends the scope: both flags become what they were before it began.  Inner scopes that were not ended (an
 * error skipped their end) are ended with it.
 * Errors: VALUE (no such scope in this thread). */
MXG_API int mxg_scope_end(int64_t token);

/* Marks an array as a variable: a zero gradient is attached, which mxg_backward fills.  `grad_req` is
 * "write", "add" or "null"; NULL means "write".  An array that was computed is cut off from its history, as
 * NDArray.attach_grad of MXNet 1 does.
 * Errors: HANDLE, VALUE. */
MXG_API int mxg_attach_grad(mxg_ndarray a, const char *grad_req);

/* Takes the gradient off; the array is no longer a variable.  Errors: HANDLE. */
MXG_API int mxg_drop_grad(mxg_ndarray a);

/* Marks n arrays as variables whose gradients go into the given arrays of the same shape.  `grad_reqs` has a
 * "write", "add" or "null" for each, or is NULL for "write".
 * Errors: HANDLE, VALUE. */
MXG_API int mxg_mark_variables(int32_t n, const mxg_ndarray *variables, const mxg_ndarray *gradients,
                               const char *const *grad_reqs);

/* The gradient attached to a variable; `*out` stays NULL, and the call succeeds, if there is none.
 * Errors: HANDLE. */
MXG_API int mxg_grad(mxg_ndarray a, mxg_ndarray *out);

/* The same values without history: gradients do not flow through.  Shares memory.  Errors: HANDLE. */
MXG_API int mxg_detach(mxg_ndarray a, mxg_ndarray *out);

/* Computes the gradients of the heads with respect to all variables that they depend on.  `head_grads` has a
 * head gradient for each head, or is NULL; a NULL entry means ones.  `retain` not 0 keeps the recorded graph
 * for another backward.  `train` is the mode of the operators that behave differently in training.
 * Errors: HANDLE, VALUE (head gradient), AUTOGRAD. */
MXG_API int mxg_backward(int32_t n, const mxg_ndarray *heads, const mxg_ndarray *head_grads, int retain,
                         int train);

/* The gradients of the heads with respect to n_vars variables, into `out`; attached gradients stay as they
 * are.  `head_grads` as in mxg_backward.  `retain` -1 means: as `create_graph`, which not 0 records the
 * computation of the gradients, so that they can be differentiated again.
 * Errors: HANDLE, VALUE, AUTOGRAD. */
MXG_API int mxg_grad_of(int32_t n_heads, const mxg_ndarray *heads, const mxg_ndarray *head_grads,
                        int32_t n_vars, const mxg_ndarray *variables, int retain, int create_graph, int train,
                        mxg_ndarray *out);

/* The recorded computation of an array as readable text.  Errors: HANDLE, AUTOGRAD (not recorded), BUFFER. */
MXG_API int mxg_symbol_text(mxg_ndarray a, char *buf, size_t cap, size_t *need);

/* The recorded computation of an array as JSON, laid out as MXNet's Symbol.tojson().
 * Errors: as mxg_symbol_text. */
MXG_API int mxg_symbol_json(mxg_ndarray a, char *buf, size_t cap, size_t *need);

/* ---- custom functions --------------------------------------------------------------------------------- */

/* Makes a differentiable function of two callbacks.  `name` appears in messages and symbols; NULL means
 * "function".
 *
 * forward(ctx, n_in, in, n_out, out) computes the outputs; nothing is recorded in it.
 *
 * backward(ctx, n_in, in, n_out, out) gets the n_out head gradients of the outputs, then the arrays that
 * forward kept with mxg_save_for_backward, and computes one gradient for each of forward's inputs, of the
 * input's shape; an out that stays NULL means that no gradient flows there.
 *
 * So y = exp(x), whose derivative is y, with two operators found before (mxg_op_find):
 *
 *     static int forward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
 *     {
 *         int status = mxg_invoke1(op_exp, in[0], &out[0]);
 *         return status == MXG_OK ? mxg_save_for_backward(1, &out[0]) : status;
 *     }
 *
 *     static int backward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
 *     {
 *         return mxg_invoke2(op_multiply, in[0], in[1], &out[0]);
 *     }
 *
 * In both, the inputs are borrowed until the callback returns, and each out is given away: put a handle there
 * that you got from a call (mxg_ndarray_dup for one that you also keep), and do not free it.  Return MXG_OK;
 * any other value is a failure: say why with mxg_set_error just before, or pass on the status of the call
 * that failed.  The outs set until then are freed for you, and the outer call fails with MXG_ERR_CALLBACK and
 * the message in its text.
 *
 * `del`, if not NULL, is called once with ctx when the handle is freed and no recorded computation needs the
 * function any more: see mxg_deleter; perhaps never if the program ends first.
 * Errors: VALUE (no forward or backward). */
MXG_API int mxg_function_new(const char *name, mxg_callback forward, mxg_callback backward, void *ctx,
                             mxg_deleter del, mxg_function *out);

/* Calls the function: n_out results into `out`.  Recorded while this thread records.
 * Errors: HANDLE, CALLBACK (it failed, or left an output unset), VALUE. */
MXG_API int mxg_function_call(mxg_function f, int32_t n_in, const mxg_ndarray *in, int32_t n_out,
                              mxg_ndarray *out);

/* Inside a forward callback: keeps arrays for the backward callback of this very call.  A second call
 * replaces what the first kept.
 * Errors: HANDLE, VALUE (not inside a forward callback). */
MXG_API int mxg_save_for_backward(int32_t n, const mxg_ndarray *a);

/* Gives the handle back.  NULL is fine.  Recorded calls stay valid.  Errors: HANDLE. */
MXG_API int mxg_function_free(mxg_function f);

/* ---- programs ----------------------------------------------------------------------------------------- */

/* Begins a program of this thread: the operators that it calls from here to mxg_program_end are recorded, and
 * one call of mxg_program_run then does them all, about as fast as their kernels.  `in` are the arguments;
 * other arrays that are used are read each time the program runs.  So y = tanh(x w), on the tape if that
 * is on, for each batch:
 *
 *     mxg_program_begin(1, &x);
 *     mxg_invoke2(op_dot, x, w, &h);
 *     mxg_invoke1(op_tanh, h, &y);
 *     mxg_program_end(1, &y, &program);
 *     ...
 *     mxg_program_run(program, 1, &batch, 1, &out);
 *
 * Until the end, numbers cannot be looked at or written, drawn or sent backward, nor custom functions called:
 * such a call fails with MXG_ERR_AUTOGRAD, and the program goes on.
 * Errors: HANDLE, VALUE (an argument is given twice), AUTOGRAD (a program has begun already). */
MXG_API int mxg_program_begin(int32_t n_in, const mxg_ndarray *in);

/* Ends the program that this thread began: it gives the arrays `out`.  They, and whatever else was computed,
 * keep their numbers and are constants from now on.  With a NULL `p` the program is given up.
 * Errors: HANDLE, VALUE (no `out`), AUTOGRAD (none has begun, or it drew random numbers).  After an error,
 * too, the program has ended, unless there is no `out`. */
MXG_API int mxg_program_end(int32_t n_out, const mxg_ndarray *out, mxg_program *p);

/* Runs a program on arguments of the shapes, dtypes and contexts it was recorded with, each with a gradient
 * attached where that one had; the recording and training flags must be as they were, too.  Its n_out results
 * go into `out`; while recording they are on the tape as if the operators had been called.
 * Errors: HANDLE, VALUE (other arguments or flags, another n_out), AUTOGRAD (an array that it uses has
 * another shape, dtype or attached gradient now). */
MXG_API int mxg_program_run(mxg_program p, int32_t n_in, const mxg_ndarray *in, int32_t n_out,
                            mxg_ndarray *out);

/* Gives the handle back.  NULL is fine.  Results stay valid.  Errors: HANDLE. */
MXG_API int mxg_program_free(mxg_program p);

/* ---- everything else: objects and values -------------------------------------------------------------- */

/* Calls anything of mxgrad's public Python interface: all of `mxgrad` is there under its Python names, such as
 * gluon's blocks, trainers, data loaders, metrics, optimizers, and the methods of arrays.
 *
 * `target` is what has the method: an object or array, or NULL for the package itself.  `method` is the name of
 * the method, or several names with dots: "gluon.nn.Dense" of the package is the class, and calling a class
 * makes an object; NULL or "" calls `target` itself, as a block is called with its input.  `args` are n_args
 * arguments by position; `named`, if not NULL, is a dict of arguments by name.  `*result`, if `result` is not
 * NULL, is yours: mxg_value_clear it.
 *
 * So a layer of 3 units, started and applied to the array x:
 *
 *     mxg_value units = MXG_NEW_INT(3), input = MXG_NEW_NDARRAY(x), net, y;
 *     check(mxg_call(NULL, "gluon.nn.Dense", 1, &units, NULL, &net));
 *     check(mxg_call(&net, "initialize", 0, NULL, NULL, NULL));
 *     check(mxg_call(&net, NULL, 1, &input, NULL, &y));
 *     ... (mxg_ndarray)y.at ...
 *     mxg_value_clear(&y);
 *     mxg_value_clear(&net);
 *
 * Results come as the value they are: numbers, text, arrays (NumPy's too), lists and tuples as lists, dicts
 * as dicts, a dtype as its name and what np.finfo tells of it as a dict; all else is an object.  What is
 * given goes the same way; a callable becomes a Python function.  Lists and dicts may be nested 64 deep.
 *
 * Names that begin with an underscore are not public, but for those that the authors of an optimizer or an
 * initializer need: "_get_lr", "_get_wd", "_update_count", "_init_weight".  Nor are other Python modules and
 * what comes from them.
 * Errors: HANDLE, NOTFOUND (no such public name; the message suggests the nearest), TYPE (no such argument, or
 * a value of the wrong kind), VALUE, STOP, CALLBACK, and what the method itself raises. */
MXG_API int mxg_call(const mxg_value *target, const char *method, int32_t n_args, const mxg_value *args,
                     const mxg_value *named, mxg_value *result);

/* A public attribute; `name` as `method` in mxg_call.  Errors: as mxg_call. */
MXG_API int mxg_get(const mxg_value *target, const char *name, mxg_value *result);

/* Sets a public attribute of an object.  Errors: as mxg_call. */
MXG_API int mxg_set(const mxg_value *target, const char *name, const mxg_value *value);

/* target[key]: an entry of a container, a layer of a block, a batch of a dataset, ....  Errors: as mxg_call;
 * VALUE when there is no such key. */
MXG_API int mxg_get_item(const mxg_value *target, const mxg_value *key, mxg_value *result);

/* target[key] = value.  Errors: as mxg_get_item. */
MXG_API int mxg_set_item(const mxg_value *target, const mxg_value *key, const mxg_value *value);

/* How many entries an object has.  Errors: HANDLE, TYPE (it has no length). */
MXG_API int mxg_length(const mxg_value *target, int64_t *n);

/* An iterator over an object, such as a data loader's batches, for mxg_next.  Errors: HANDLE, TYPE (not
 * iterable). */
MXG_API int mxg_iterate(const mxg_value *target, mxg_value *iterator);

/* The next value of an iterator: `*more` is 1 and `*result` is yours; or 0, and `*result` none, at its end.
 * Errors: HANDLE, TYPE (no iterator), and what the iteration itself raises. */
MXG_API int mxg_next(const mxg_value *iterator, mxg_value *result, int *more);

/* Enters a context, such as the one of a block's "name_scope", as Python's `with` does; `result`, if it is
 * not NULL, is what stands there after `as`.  mxg_exit leaves it.  Errors: HANDLE, TYPE (it cannot be
 * entered). */
MXG_API int mxg_enter(const mxg_value *target, mxg_value *result);

/* Leaves the context that mxg_enter entered last; `is_error` not 0 says that what was done inside failed.
 * Errors: HANDLE, TYPE. */
MXG_API int mxg_exit(const mxg_value *target, int is_error);

/* A new class derived from the class `base` (an object, as mxg_get gives it for "gluon.Block").  `methods` is
 * a dict: name -> callable.  Each gets the instance as its first argument.  Besides public names these may be
 * defined: "__call__", "__len__", "__getitem__", "__setitem__", "__iter__", "__repr__".  `name`
 * appears in messages and where instances are printed.
 * Errors: HANDLE, TYPE (no class, no callable), VALUE (a name that cannot be defined). */
MXG_API int mxg_subclass(const mxg_value *base, const char *name, const mxg_value *methods,
                         mxg_value *result);

/* Another handle for the same object.  Errors: HANDLE. */
MXG_API int mxg_object_dup(mxg_object o, mxg_object *out);

/* Gives a handle back.  NULL is fine.  Errors: HANDLE. */
MXG_API int mxg_object_free(mxg_object o);

/* A number that is the same for all handles of one object, and differs between objects that exist at the same
 * time.  Errors: HANDLE. */
MXG_API int mxg_object_id(mxg_object o, int64_t *id);

/* Whether an object is an instance of the class that a dotted name of the package stands for, such as
 * "gluon.Block".  Errors: HANDLE, NOTFOUND, TYPE (the name is no class). */
MXG_API int mxg_object_is_a(mxg_object o, const char *name, int *yes);

/* Dotted name of an object's class, such as "gluon.nn.basic_layers.Dense"; static text.  Errors: HANDLE. */
MXG_API int mxg_object_class(mxg_object o, const char **name);

/* An object as text, as Python prints it.  Errors: HANDLE, BUFFER. */
MXG_API int mxg_object_text(mxg_object o, char *buf, size_t cap, size_t *need);

/* The parameters of an object that can be called, names with spaces between them: "units activation= **".
 * After a name, "=" says that it may be left out; "*" and "**" stand for any number by position and by name;
 * those after "*" or "-" go by name only.
 * Errors: HANDLE, BUFFER. */
MXG_API int mxg_object_parameters(mxg_object o, char *buf, size_t cap, size_t *need);

/* A string value with a copy of `count` bytes of UTF-8; -1 counts up to the NUL.  Errors: VALUE, MEMORY. */
MXG_API int mxg_value_string(const char *text, int32_t count, mxg_value *out);

/* A bytes value with a copy of `count` bytes.  Errors: VALUE, MEMORY. */
MXG_API int mxg_value_bytes(const void *bytes, int32_t count, mxg_value *out);

/* A list of `count` values, or, if `dict` is not 0, a dict of `count` values (key, value, ...), all of them
 * "none" until you write them into ((mxg_value *)out->at)[i].  Errors: VALUE, MEMORY. */
MXG_API int mxg_value_list(int32_t count, int dict, mxg_value *out);

/* Frees what a value that the library made holds, handles and nested values included, and makes it "none".
 * NULL is fine.  Never clear a value whose text or list is your own memory.
 * Errors: HANDLE (a handle in it was freed already; the rest is freed). */
MXG_API int mxg_value_clear(mxg_value *value);

/* ---- random numbers ----------------------------------------------------------------------------------- */

/* Seeds the random numbers of every context; the streams are those of MXNet.  Without it they start as with
 * 0. */
MXG_API int mxg_seed(int64_t seed);

/* Seeds the random numbers of one context.  Errors: CONTEXT (no such device). */
MXG_API int mxg_seed_context(int64_t seed, const char *context);

/* MXG-END */

/* Initializers of an mxg_value.  Text, arrays and objects are borrowed. */
#define MXG_NEW_NONE {MXG_IS_NONE, 0, 0, 0.0, NULL}
#define MXG_NEW_BOOL(value) {MXG_IS_BOOL, 0, (value) != 0, 0.0, NULL}
#define MXG_NEW_INT(value) {MXG_IS_INT, 0, (value), 0.0, NULL}
#define MXG_NEW_DOUBLE(value) {MXG_IS_DOUBLE, 0, 0, (value), NULL}
#define MXG_NEW_STRING(text) {MXG_IS_STRING, -1, 0, 0.0, (text)}
#define MXG_NEW_NDARRAY(array) {MXG_IS_NDARRAY, 0, 0, 0.0, (array)}
#define MXG_NEW_OBJECT(object) {MXG_IS_OBJECT, 0, 0, 0.0, (object)}
#define MXG_NEW_LIST(n, values) {MXG_IS_LIST, (n), 0, 0.0, (values)}
#define MXG_NEW_DICT(n, values) {MXG_IS_DICT, (n), 0, 0.0, (values)}
#define MXG_NEW_CALLABLE(callable) {MXG_IS_CALLABLE, 0, 0, 0.0, (callable)}

#ifdef __cplusplus
}
#endif

#endif
