/* shim.h - what the two halves of the library call in each other: shim.c, and capi.py through cffi.
 *
 * build_ffi.py reads the marked parts.  A handle is an int64_t on this side: casting in C is free, in Python
 * it costs more than the rest of the call.
 */
#ifndef MXGRAD_SHIM_H
#define MXGRAD_SHIM_H

#include "mxgrad.h"

/* TYPES-BEGIN: DLPack's structures, after version 1.0 of its specification (dmlc.github.io/dlpack). */
typedef struct {
    void *data;
    int32_t device_type; /* 1 is the CPU */
    int32_t device_id;
    int32_t ndim;
    uint8_t type_code; /* 0 int, 1 uint, 2 float, 6 bool */
    uint8_t bits;
    uint16_t lanes;
    int64_t *shape;
    int64_t *strides; /* in elements; NULL for C order */
    uint64_t byte_offset;
} dl_tensor;

typedef struct {
    dl_tensor tensor;
    void *context;
    void (*deleter)(void *managed);
} dl_managed;

typedef struct {
    uint32_t major;
    uint32_t minor;
    void *context;
    void (*deleter)(void *managed);
    uint64_t flags; /* 1: read only */
    dl_tensor tensor;
} dl_managed_versioned;
/* TYPES-END */

/* PYTHON-BEGIN: written in capi.py.
 *
 * Each returns more than 0 for success: a handle, a size or count (plus 1 where 0 is possible), an address,
 * or 1.  0 is what cffi returns when it cannot even call the function, so it is never a success: the error is
 * recorded (mxg_c_error), or there was no memory for that. */
int64_t mxg_py_text(int what, int64_t h, char *buf, int64_t cap);
int64_t mxg_py_traceback(void);
int64_t mxg_py_live(int kind);
int64_t mxg_py_waitall(void);
int64_t mxg_py_set_location(const char *file, int line);
int64_t mxg_py_set_line(int line);

int64_t mxg_py_from_data(const void *data, const char *dtype, int ndim, const int64_t *shape,
                         const char *context);
int64_t mxg_py_full(double value, const char *dtype, int ndim, const int64_t *shape, const char *context);
int64_t mxg_py_dup(int64_t a);
int64_t mxg_py_free(int64_t a);
int64_t mxg_py_free_n(int n, const int64_t *a);
int64_t mxg_py_shape(int64_t a, int cap, int64_t *shape);
int64_t mxg_py_dtype(int64_t a);
int64_t mxg_py_context(int64_t a);
int64_t mxg_py_nbytes(int64_t a);
int64_t mxg_py_copy_to(int64_t a, void *dst, int64_t nbytes);
int64_t mxg_py_copy_from(int64_t a, const void *src, int64_t nbytes);
int64_t mxg_py_data(int64_t a, int64_t *nbytes);
int64_t mxg_py_touch(int64_t a);
int64_t mxg_py_item(int64_t a, double *value);
int64_t mxg_py_as_in_context(int64_t a, const char *context);

int64_t mxg_py_slice(int64_t a, int n, const int64_t *begin, const int64_t *end, const int64_t *step,
                     const int32_t *drop);
int64_t mxg_py_at(int64_t a, int64_t i);
int64_t mxg_py_index(int64_t a, int n, const int64_t *index);
int64_t mxg_py_assign_scalar(int64_t a, double value);
int64_t mxg_py_assign_slice(int64_t a, int n, const int64_t *begin, const int64_t *end, const int64_t *step,
                            const int32_t *drop, int64_t value);
int64_t mxg_py_assign_index(int64_t a, int n, const int64_t *index, int64_t value);

int64_t mxg_py_save(const char *path, int n, const char *const *names, const int64_t *a);
int64_t mxg_py_load(const char *path, int cap, int64_t *a, char *names, int64_t names_cap, int64_t *sizes);
int64_t mxg_py_from_dlpack(void *managed, int versioned);
int64_t mxg_py_to_dlpack(int64_t a);
int64_t mxg_py_dlpack_release(int64_t managed);

int64_t mxg_py_op_find(const char *name);
int64_t mxg_py_op_count(void);
int64_t mxg_py_op_name(int op);
int64_t mxg_py_invoke(int op, int n, const int64_t *in, const char *params, int64_t nbytes, int64_t into);
int64_t mxg_py_invoke1(int op, int64_t a);
int64_t mxg_py_invoke2(int op, int64_t a, int64_t b);
int64_t mxg_py_invoke1_with(int op, int64_t a, const char *params, int64_t nbytes);
int64_t mxg_py_invoke2_with(int op, int64_t a, int64_t b, const char *params, int64_t nbytes);
int64_t mxg_py_invoke_double(int op, int64_t a, double value, int reversed);
int64_t mxg_py_invoke_int(int op, int64_t a, int64_t value, int reversed);
int64_t mxg_py_results(int cap, int64_t *out);

int64_t mxg_py_recording(int on);
int64_t mxg_py_training(int on);
int64_t mxg_py_scope_begin(int recording, int training);
int64_t mxg_py_scope_end(int64_t token);
int64_t mxg_py_attach_grad(int64_t a, const char *grad_req);
int64_t mxg_py_drop_grad(int64_t a);
int64_t mxg_py_mark_variables(int n, const int64_t *variables, const int64_t *gradients,
                              const char *const *grad_reqs);
int64_t mxg_py_grad(int64_t a);
int64_t mxg_py_detach(int64_t a);
int64_t mxg_py_backward(int n, const int64_t *heads, const int64_t *head_grads, int retain, int train);
int64_t mxg_py_grad_of(int n_heads, const int64_t *heads, const int64_t *head_grads, int n_vars,
                       const int64_t *variables, int retain, int create_graph, int train, int64_t *out);

int64_t mxg_py_function_new(const char *name, mxg_callback forward, mxg_callback backward, void *ctx,
                            mxg_deleter del);
int64_t mxg_py_function_call(int64_t f, int n_in, const int64_t *in, int n_out, int64_t *out);
int64_t mxg_py_save_for_backward(int n, const int64_t *a);
int64_t mxg_py_function_free(int64_t f);

int64_t mxg_py_program_begin(int n, const int64_t *in);
int64_t mxg_py_program_end(int n, const int64_t *out, int is_wanted);
int64_t mxg_py_program_run(int64_t p, int n_in, const int64_t *in, int n_out, int64_t *out);
int64_t mxg_py_program_free(int64_t p);

int64_t mxg_py_seed(int64_t seed, const char *context);

/* Written in objects.py.  A value that is written is "none" before. */
int64_t mxg_py_call(const mxg_value *target, const char *method, int n_args, const mxg_value *args,
                    const mxg_value *named, mxg_value *result);
int64_t mxg_py_get(const mxg_value *target, const char *name, mxg_value *result);
int64_t mxg_py_set(const mxg_value *target, const char *name, const mxg_value *value);
int64_t mxg_py_get_item(const mxg_value *target, const mxg_value *key, mxg_value *result);
int64_t mxg_py_set_item(const mxg_value *target, const mxg_value *key, const mxg_value *value);
int64_t mxg_py_length(const mxg_value *target);
int64_t mxg_py_iterate(const mxg_value *target, mxg_value *iterator);
int64_t mxg_py_next(const mxg_value *iterator, mxg_value *result);
int64_t mxg_py_enter(const mxg_value *target, mxg_value *result);
int64_t mxg_py_exit(const mxg_value *target, int is_error);
int64_t mxg_py_subclass(const mxg_value *base, const char *name, const mxg_value *methods, mxg_value *result);
int64_t mxg_py_object_dup(int64_t o);
int64_t mxg_py_object_free(int64_t o);
int64_t mxg_py_object_id(int64_t o);
int64_t mxg_py_object_is_a(int64_t o, const char *name);
int64_t mxg_py_object_class(int64_t o);
/* PYTHON-END */

/* What mxg_py_text describes. */
enum { TEXT_INFO, TEXT_NDARRAY, TEXT_OP, TEXT_SYMBOL, TEXT_SYMBOL_JSON, TEXT_OBJECT, TEXT_PARAMETERS };

/* An mxg_py_invoke* has several results, or none: mxg_py_results fetches them. */
#define SEVERAL (-1)

/* A short way past cffi is not for what it was given: mxg_py_* does it, or says what is wrong with it. */
#define NOT_SIMPLE (-2)

/* C-BEGIN: written in shim.c and values.c for capi.py and objects.py. */

/* Records an error of this thread; `frames` says that mxg_py_traceback knows more.  Allocates nothing. */
void mxg_c_error(int code, const char *type, const char *text, int frames);

/* Gives this thread's last error its traceback. */
void mxg_c_traceback(const char *text);

/* From now on every call fails, and every free does nothing. */
void mxg_c_shutdown(void);

/* Runs a callback, outside Python's lock.  Returns its status; if that is not 0, the last error says why. */
int mxg_c_call(mxg_callback f, void *ctx, int n_in, const int64_t *in, int n_out, int64_t *out);

/* Runs a callable as mxg_c_call a callback.  Its result is to be cleared. */
int mxg_c_call_values(mxg_callable_function f, void *ctx, int n_args, const mxg_value *args,
                      const mxg_value *named, mxg_value *result);

/* Of mxgrad.h. */
const char *mxg_last_error(void);
int mxg_value_string(const char *text, int32_t count, mxg_value *out);
int mxg_value_bytes(const void *bytes, int32_t count, mxg_value *out);
int mxg_value_list(int32_t count, int dict, mxg_value *out);
int mxg_value_clear(mxg_value *value);

/* The deleter of the DLPack structures that capi.py makes. */
void mxg_c_dlpack_delete(void *managed);
/* C-END */

/* ---- what every exported function does, in shim.c and values.c ---------------------------------------- */

#define LIKELY(x) __builtin_expect(!!(x), 1)

enum { NOT_STARTED, STARTED, START_FAILED, SHUT_DOWN };

extern int engine_state; /* read and written with __atomic_* */

int enter_slowly(const mxg_options *options);

static inline int enter(void)
{
    return LIKELY(__atomic_load_n(&engine_state, __ATOMIC_ACQUIRE) == STARTED) ? MXG_OK : enter_slowly(NULL);
}

static inline int is_shut_down(void)
{
    return __atomic_load_n(&engine_state, __ATOMIC_ACQUIRE) == SHUT_DOWN;
}

/* Records "Type: text" and returns the code. */
__attribute__((format(printf, 2, 3))) int fail(int code, const char *format, ...);

/* The status of a call whose mxg_py_* returned `rc` <= 0. */
int failed(int64_t rc);

/* mxg_call on an object or array with arguments that are numbers, arrays or objects, past cffi.  Gives what
 * mxg_py_call does, or NOT_SIMPLE. */
int64_t call_simply(const mxg_value *target, const char *method, int32_t n_args, const mxg_value *args,
                    mxg_value *result);

int give_text(int what, int64_t h, char *buf, size_t cap, size_t *need);
int give_name(int64_t rc, const char **name);

#define ENTER()                                                                                   \
    do {                                                                                          \
        int status_ = enter();                                                                    \
        if (status_ != MXG_OK)                                                                    \
            return status_;                                                                       \
    } while (0)

#define REQUIRE(pointer)                                                                          \
    do {                                                                                          \
        if ((pointer) == NULL)                                                                    \
            return fail(MXG_ERR_VALUE, "%s: %s is NULL", __func__, #pointer);                     \
    } while (0)

/* `n` elements at `pointer`, which may be NULL if there are none. */
#define REQUIRE_N(n, pointer)                                                                     \
    do {                                                                                          \
        if ((n) < 0)                                                                              \
            return fail(MXG_ERR_VALUE, "%s: %s is negative", __func__, #n);                       \
        if ((n) > 0)                                                                              \
            REQUIRE(pointer);                                                                     \
    } while (0)

#define H(handle) ((int64_t)(intptr_t)(handle))
#define HS(handles) ((const int64_t *)(handles))

static inline int status(int64_t rc)
{
    return LIKELY(rc > 0) ? MXG_OK : failed(rc);
}

#endif
