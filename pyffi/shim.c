/* shim.c - the exported functions of mxgrad.h: argument checks, errors, the start of Python
 *
 * Everything that computes is behind mxg_py_* (shim.h), which capi.py implements.  This is the only C file
 * that knows Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MXG_API __attribute__((visibility("default")))
#include "shim.h"

#if INTPTR_MAX != INT64_MAX
#error "handle arrays are passed to Python as int64_t arrays: pointers must have 64 bits"
#endif

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
#define PYTHON_VERSION TEXT(PY_MAJOR_VERSION) "." TEXT(PY_MINOR_VERSION)

#if PY_VERSION_HEX >= 0x030D0000
#define CURRENT_THREAD_STATE() PyThreadState_GetUnchecked()
#else
#define CURRENT_THREAD_STATE() _PyThreadState_UncheckedGet()
#endif

#ifndef MXG_BUILD_PYTHON
#define MXG_BUILD_PYTHON "" /* the interpreter that the library was built with */
#endif

/* Of the module that cffi generates: it makes lib and ffi, through which capi.py implements mxg_py_*. */
extern PyObject *PyInit__mxgrad(void);
/* The text of bootstrap.py. */
extern const char mxg_bootstrap[];

/* ---- errors -------------------------------------------------------------------------------------------
 * One record a thread, with room for the text, so that recording an error allocates nothing. */

typedef struct {
    int code;
    int unread;           /* recorded by capi.py, and the failing call has not looked yet */
    int frames;           /* capi.py can format a traceback */
    unsigned long serial; /* counts the errors, so that mxg_c_call sees whether its callback set one */
    char *traceback;
    char *file; /* the last one that mxg_set_location gave to Python */
    char type[64];
    char text[1024];
} thread_record;

/* The key's destructor frees the record; the __thread pointer makes access quick. */
static pthread_key_t record_key;
static pthread_once_t record_once = PTHREAD_ONCE_INIT;
static __thread thread_record *record_of_thread;

static void record_free(void *p)
{
    thread_record *e = p;
    record_of_thread = NULL; /* destructors of other keys may still call the library */
    free(e->traceback);
    free(e->file);
    free(e);
}

static void record_key_make(void)
{
    pthread_key_create(&record_key, record_free);
}

/* This thread's record; NULL if there is no memory for one. */
static thread_record *get_record(void)
{
    thread_record *e = record_of_thread;
    if (LIKELY(e != NULL))
        return e;
    pthread_once(&record_once, record_key_make);
    e = calloc(1, sizeof *e);
    if (e != NULL) {
        pthread_setspecific(record_key, e);
        record_of_thread = e;
    }
    return e;
}

/* Copies as much of a text as fits, cut between two UTF-8 characters. */
static void copy_cut(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    if (n >= cap)
        for (n = cap - 1; n > 0 && ((unsigned char)src[n] & 0xC0) == 0x80;)
            n--;
    memmove(dst, src, n);
    dst[n] = 0;
}

static const struct {
    int code;
    const char *name, *type;
} STATUS[] = {
    {MXG_OK, "MXG_OK", ""},
    {MXG_ERR_INTERNAL, "MXG_ERR_INTERNAL", "InternalError"},
    {MXG_ERR_INIT, "MXG_ERR_INIT", "InitError"},
    {MXG_ERR_HANDLE, "MXG_ERR_HANDLE", "HandleError"},
    {MXG_ERR_VALUE, "MXG_ERR_VALUE", "InvalidValueError"},
    {MXG_ERR_MEMORY, "MXG_ERR_MEMORY", "OutOfMemoryError"},
    {MXG_ERR_CALLBACK, "MXG_ERR_CALLBACK", "CallbackError"},
    {MXG_ERR_SHUTDOWN, "MXG_ERR_SHUTDOWN", "ShutdownError"},
    {MXG_ERR_TYPE, "MXG_ERR_TYPE", "InvalidTypeError"},
    {MXG_ERR_CONTEXT, "MXG_ERR_CONTEXT", "ContextError"},
    {MXG_ERR_NOTFOUND, "MXG_ERR_NOTFOUND", "UnknownNameError"},
    {MXG_ERR_AUTOGRAD, "MXG_ERR_AUTOGRAD", "AutogradError"},
    {MXG_ERR_IO, "MXG_ERR_IO", "FileError"},
    {MXG_ERR_BUFFER, "MXG_ERR_BUFFER", "BufferTooSmallError"},
    {MXG_ERR_STOP, "MXG_ERR_STOP", "StopIteration"},
};

static const int N_STATUS = sizeof STATUS / sizeof *STATUS;

static int status_index(int code)
{
    return code <= 0 && -code < N_STATUS ? -code : -1;
}

static int record(int code, const char *type, const char *text, int frames)
{
    thread_record *e = get_record();
    if (e != NULL) {
        e->code = code;
        e->unread = 0;
        e->frames = frames;
        e->serial++;
        copy_cut(e->type, sizeof e->type, type);
        copy_cut(e->text, sizeof e->text, text);
        free(e->traceback);
        e->traceback = NULL;
    }
    return code;
}

/* Records "Type: text" and returns the code. */
int fail(int code, const char *format, ...)
{
    char text[1024];
    va_list args;
    const char *type = STATUS[status_index(code)].type;
    int n = snprintf(text, sizeof text, "%s: ", type);
    va_start(args, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    return record(code, type, text, 0);
}

/* The status of a call whose mxg_py_* returned `rc` <= 0. */
int failed(int64_t rc)
{
    thread_record *e = get_record();
    if (e == NULL)
        return MXG_ERR_MEMORY;
    if (e->unread) {
        e->unread = 0;
        return e->code;
    }
    if (rc == 0)
        return fail(MXG_ERR_MEMORY, "out of memory in the call into the engine");
    return fail(MXG_ERR_INTERNAL, "the engine returned %lld", (long long)rc);
}

void mxg_c_error(int code, const char *type, const char *text, int frames)
{
    thread_record *e = get_record();
    record(status_index(code) > 0 ? code : MXG_ERR_INTERNAL, type, text, frames);
    if (e != NULL)
        e->unread = 1;
}

void mxg_c_traceback(const char *text)
{
    thread_record *e = get_record();
    if (e != NULL) {
        free(e->traceback);
        e->traceback = strdup(text);
    }
}

MXG_API const char *mxg_last_error(void)
{
    thread_record *e = get_record();
    return e != NULL ? e->text : "OutOfMemoryError: no memory to record the error";
}

MXG_API int mxg_last_code(void)
{
    thread_record *e = get_record();
    return e != NULL ? e->code : MXG_ERR_MEMORY;
}

MXG_API const char *mxg_last_type(void)
{
    thread_record *e = get_record();
    return e != NULL ? e->type : "OutOfMemoryError";
}

MXG_API int mxg_set_error(int code, const char *message)
{
    if (status_index(code) <= 0)
        code = MXG_ERR_CALLBACK;
    return record(code, STATUS[status_index(code)].type, message != NULL ? message : "", 0);
}

MXG_API const char *mxg_status_name(int code)
{
    int i = status_index(code);
    return i < 0 ? "unknown status" : STATUS[i].name;
}

/* ---- start -------------------------------------------------------------------------------------------- */

int engine_state = NOT_STARTED;
static int own;                 /* this library started Python */
static char *start_error, *start_traceback;
static char library_path[PATH_MAX], libpython_path[PATH_MAX], python_path[PATH_MAX];

static int start_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int start_failed(const char *format, ...)
{
    char text[3 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    free(start_error);
    start_error = strdup(text);
    return -1;
}

static int exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Real path of the file that an address was loaded from. */
static int path_of(const void *address, char path[PATH_MAX])
{
    Dl_info info;
    path[0] = 0;
    return dladdr(address, &info) && info.dli_fname != NULL && realpath(info.dli_fname, path) ? 0 : -1;
}

/* Cuts the last component off; 0 if there was none. */
static int up(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return 0;
    *slash = 0;
    return 1;
}

/* A function's address as a const void *, which ISO C cannot cast. */
static const void *address_of(int (*f)(void))
{
    const void *p;
    memcpy(&p, &f, sizeof p);
    return p;
}

/* Finds the interpreter whose environment is to be used, into python_path; "" lets CPython guess.
 *
 * The library's own place decides: PREFIX/lib/pythonX.Y/site-packages/mxgrad_ffi/libmxgrad.so.1. */
static int find_python(const char *asked)
{
    const char *layout = "/python" PYTHON_VERSION "/", *what = "mxg_options.python";
    char prefix[PATH_MAX], *at, *next;

    if (asked == NULL || *asked == 0) {
        what = "MXGRAD_PYTHON";
        asked = getenv(what);
    }
    if (asked != NULL && *asked != 0) {
        if (!exists(asked))
            return start_failed("%s=%s: no such file", what, asked);
        copy_cut(python_path, sizeof python_path, asked);
        return 0;
    }
    copy_cut(prefix, sizeof prefix, library_path);
    for (at = strstr(prefix, layout); at != NULL && (next = strstr(at + 1, layout)) != NULL;)
        at = next;
    if (at != NULL) {
        *at = 0;
        if (up(prefix) && snprintf(python_path, sizeof python_path, "%s/bin/python" PYTHON_VERSION, prefix) <
                              (int)sizeof python_path && exists(python_path))
            return 0;
    }
    copy_cut(python_path, sizeof python_path, exists(MXG_BUILD_PYTHON) ? MXG_BUILD_PYTHON : "");
    return 0;
}

/* Finds the standard library of the libpython that is loaded: the executable may belong to another one. */
static int find_home(char home[PATH_MAX])
{
    char file[PATH_MAX + 64];
    copy_cut(home, PATH_MAX, libpython_path);
    while (up(home)) {
        snprintf(file, sizeof file, "%s/lib/python" PYTHON_VERSION "/os.py", home);
        if (exists(file)) {
            if (*home == 0)
                copy_cut(home, PATH_MAX, "/");
            return 1;
        }
    }
    return 0;
}

/* Whether this libpython, one of those in the process, runs an interpreter that is not the one we call. */
static int runs_another_python(void *library)
{
    int (*is_initialized)(void);
    PyInterpreterState *(*interpreter)(void);
    void *symbol = dlsym(library, "Py_IsInitialized");
    memcpy(&is_initialized, &symbol, sizeof symbol);
    if (symbol == NULL || !is_initialized())
        return 0;
    symbol = dlsym(library, "PyInterpreterState_Main");
    memcpy(&interpreter, &symbol, sizeof symbol);
    /* in a program that Python is linked into, libpython's functions work on the program's interpreter */
    return symbol == NULL || interpreter() != PyInterpreterState_Main();
}

static int find_another_python(struct dl_phdr_info *info, size_t size, void *found)
{
    const char *name = info->dlpi_name != NULL ? strrchr(info->dlpi_name, '/') : NULL;
    void *library;
    int another = 0;
    (void)size;
    if (name == NULL || strncmp(name, "/libpython3", 11) != 0)
        return 0;
    library = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    if (library != NULL) {
        another = runs_another_python(library);
        if (another)
            copy_cut(found, PATH_MAX, info->dlpi_name);
        dlclose(library);
    }
    return another;
}

/* Starts Python without looking at the environment or at PATH, and without touching the host program. */
static int start_python(unsigned flags)
{
    char home[PATH_MAX];
    PyPreConfig pre;
    PyConfig config;
    PyStatus status;

    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    if (flags & MXG_INIT_MALLOC)
        pre.allocator = PYMEM_ALLOCATOR_MALLOC;
    status = Py_PreInitialize(&pre);
    if (!PyStatus_Exception(status)) {
        PyConfig_InitIsolatedConfig(&config);
        config.install_signal_handlers = 0;
        config.parse_argv = 0;
        config.pathconfig_warnings = 0;
        config.buffered_stdio = 0;
        config.site_import = 0; /* bootstrap.py does it, where an error is an exception */
        status = PyStatus_Ok();
        if (*python_path != 0)
            status = PyConfig_SetBytesString(&config, &config.executable, python_path);
        if (!PyStatus_Exception(status) && find_home(home))
            status = PyConfig_SetBytesString(&config, &config.home, home);
        if (!PyStatus_Exception(status))
            status = Py_InitializeFromConfig(&config);
        PyConfig_Clear(&config);
    }
    if (PyStatus_Exception(status))
        return start_failed("Python " PYTHON_VERSION " could not start (executable %s, libpython %s): %s",
                            python_path, libpython_path,
                            status.err_msg != NULL ? status.err_msg : "no reason given");
    own = 1;
    PyEval_SaveThread();
    return 0;
}

/* Keeps the text and the traceback of Python's pending exception as the reason why the start failed. */
static int start_failed_in_python(void)
{
    PyObject *type, *value, *trace, *text, *lines = NULL, *empty, *joined;
    const char *utf8;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    text = value != NULL ? PyObject_Str(value) : NULL;
    utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    start_failed("%s", utf8 != NULL ? utf8 : "out of memory");
    PyErr_Clear();
    if (value != NULL) {
        PyObject *module = PyImport_ImportModule("traceback");
        if (module != NULL)
            lines = PyObject_CallMethod(module, "format_exception", "OOO", type, value,
                                        trace != NULL ? trace : Py_None);
        Py_XDECREF(module);
    }
    empty = PyUnicode_FromString("");
    joined = lines != NULL && empty != NULL ? PyUnicode_Join(empty, lines) : NULL;
    utf8 = joined != NULL ? PyUnicode_AsUTF8(joined) : NULL;
    if (utf8 != NULL)
        start_traceback = strdup(utf8);
    PyErr_Clear();
    Py_XDECREF(joined);
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    Py_XDECREF(text);
    Py_XDECREF(trace);
    Py_XDECREF(value);
    Py_XDECREF(type);
    return -1;
}

/* The functions of capi.py that small operators and the steps of a training loop need: past cffi, which
 * converts arguments of any kind, a call takes half the time. */
enum {
    FREE, INVOKE1, INVOKE2, SET_LINE, SCOPE_BEGIN, SCOPE_END, GIVE_RESULTS, BACKWARD, NUMBER, CALLED, WRITTEN,
    N_DIRECT
};
static const char *const DIRECT[N_DIRECT] = {
    "free", "invoke1", "invoke2", "set_line", "scope_begin", "scope_end", "_give_results", "_backward",
    "_number", "_called", "_written"
};
static PyObject *direct[N_DIRECT], *report;
/* What capi.py keeps: arrays and objects by handle, and of each operator its function for one and for two
 * arrays.  A small operator is looked up and called from here, past Python's own frame. */
enum { ARRAYS, OBJECTS, UNARY, BINARY, ARRAY_CLASS, N_KEPT };
static const char *const KEPT[N_KEPT] = {"_arrays", "_objects", "_unary", "_binary", "Array"};
static PyObject *kept[N_KEPT];

/* The integer that a Python function gave, whose reference is taken over; without one, 0 and the error that
 * it raised recorded. */
static int64_t number_or_report(PyObject *result)
{
    PyObject *type, *value, *trace;
    if (LIKELY(result != NULL)) {
        int64_t number = PyLong_AsLongLong(result);
        Py_DECREF(result);
        return number;
    }
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    result = PyObject_CallFunctionObjArgs(report, type, value, trace != NULL ? trace : Py_None, NULL);
    Py_XDECREF(result);
    Py_XDECREF(trace);
    Py_XDECREF(value);
    Py_XDECREF(type);
    PyErr_Clear();
    return 0;
}

/* Calls direct[which] with n integers, as cffi would.  The thread must have a Python thread state already:
 * the one that cffi makes at a thread's first call stays, one made here would come and go with every call. */
static int64_t call_direct(int which, size_t n, int64_t a, int64_t b, int64_t c)
{
    const int64_t values[3] = {a, b, c};
    PyObject *args[4] = {NULL}, *result = NULL;
    PyGILState_STATE gil = PyGILState_Ensure();
    int64_t rc;
    size_t i;

    for (i = 0; i < n && (args[i + 1] = PyLong_FromLongLong(values[i])) != NULL;)
        i++;
    if (i == n)
        result = PyObject_Vectorcall(direct[which], args + 1, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    rc = number_or_report(result);
    for (i = 0; i < n; i++)
        Py_XDECREF(args[i + 1]);
    PyGILState_Release(gil);
    return rc;
}

/* Takes the GIL for a thread that has a Python thread state, unless it holds it; what to give to
 * leave_python.  PyGILState_Ensure does the same and counts besides. */
static PyThreadState *enter_python(void)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
    if (CURRENT_THREAD_STATE() == mine)
        return NULL;
    PyEval_RestoreThread(mine);
    return mine;
}

static void leave_python(const PyThreadState *entered)
{
    if (entered != NULL)
        PyEval_SaveThread();
}

/* The last handle that give_array gave, and the same as Python's integer: most results are the next to be
 * used or freed.  Guarded by the GIL. */
static int64_t last_given = ((int64_t)0x4D58 << 32) - 1;
static PyObject *last_key;

/* A handle as the key of a table, or NULL: a new reference. */
static inline PyObject *key_of(int64_t handle)
{
    return handle == last_given && last_key != NULL ? Py_NewRef(last_key) : PyLong_FromLongLong(handle);
}

/* The array, or the object, of a handle, or NULL: a new reference. */
static PyObject *found_in(int table, int64_t handle)
{
    PyObject *key = key_of(handle), *found = NULL;
    if (key != NULL) {
        found = PyDict_GetItemWithError(kept[table], key);
        Py_XINCREF(found);
        Py_DECREF(key);
    }
    if (found == NULL)
        PyErr_Clear();
    return found;
}

static PyObject *array_of(int64_t handle)
{
    return found_in(ARRAYS, handle);
}

/* A handle for an array, whose reference is taken over.  capi.py gives the even numbers. */
static int64_t give_array(PyObject *array)
{
    const int64_t handle = last_given += 2;
    PyObject *key = PyLong_FromLongLong(handle);
    int done = key != NULL ? PyDict_SetItem(kept[ARRAYS], key, array) : -1;
    Py_XSETREF(last_key, key);
    Py_DECREF(array);
    return done == 0 ? handle : number_or_report(NULL);
}

/* An operator on one array, or on two if b is not 0: the handle of its result, SEVERAL, or 0 and an error. */
static int64_t invoke_direct(int op, int64_t a, int64_t b)
{
    PyObject *args[3] = {NULL}, *result = NULL;
    PyThreadState *entered = enter_python();
    const size_t n = b != 0 ? 2 : 1;
    PyObject *function;
    int64_t rc;

    args[1] = array_of(a);
    if (n == 2) {
        args[2] = b == a ? args[1] : array_of(b);
        if (b == a)
            Py_XINCREF(args[2]);
    }
    if (args[n] == NULL || args[1] == NULL) {
        Py_XDECREF(args[1]);
        Py_XDECREF(args[2]);
        leave_python(entered);
        return call_direct(n == 2 ? INVOKE2 : INVOKE1, n + 1, op, a, b); /* which says what is wrong */
    }
    function = PyList_GetItem(kept[n == 2 ? BINARY : UNARY], op);
    if (function != NULL) {
        Py_INCREF(function);
        result = PyObject_Vectorcall(function, args + 1, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_DECREF(function);
    }
    if (result != NULL && LIKELY(PyObject_TypeCheck(result, (PyTypeObject *)kept[ARRAY_CLASS])))
        rc = give_array(result);
    else if (result != NULL) {
        PyObject *handles = PyObject_CallOneArg(direct[GIVE_RESULTS], result);
        Py_DECREF(result);
        rc = number_or_report(handles);
    } else
        rc = number_or_report(NULL);
    Py_DECREF(args[1]);
    Py_XDECREF(args[2]);
    leave_python(entered);
    return rc;
}

static int64_t free_direct(int64_t handle)
{
    PyThreadState *entered = enter_python();
    PyObject *key = key_of(handle);
    int done = key != NULL ? PyDict_DelItem(kept[ARRAYS], key) : -1;
    Py_XDECREF(key);
    if (done != 0)
        PyErr_Clear();
    leave_python(entered);
    return done == 0 ? 1 : call_direct(FREE, 1, handle, 0, 0); /* which says what is wrong */
}

static int has_thread_state(void)
{
    return LIKELY(PyGILState_GetThisThreadState() != NULL);
}

/* 1 for a call that gave something, whose reference is taken over; without it 0, and the error recorded. */
static int64_t done_or_report(PyObject *result)
{
    if (result == NULL)
        return number_or_report(NULL);
    Py_DECREF(result);
    return 1;
}

static int64_t item_direct(int64_t handle, double *value)
{
    PyThreadState *entered = enter_python();
    PyObject *array = array_of(handle), *number = NULL;
    int64_t rc = NOT_SIMPLE;
    if (array != NULL) {
        number = PyObject_CallOneArg(direct[NUMBER], array);
        Py_DECREF(array);
        if (number != NULL)
            *value = PyFloat_AS_DOUBLE(number);
        rc = done_or_report(number);
    }
    leave_python(entered);
    return rc;
}

/* A list of arrays, with None for NULL if they are `optional`; NULL if a handle is none. */
static PyObject *list_of(int32_t n, const int64_t *handles, int optional)
{
    PyObject *list = PyList_New(n);
    int32_t i;
    for (i = 0; list != NULL && i < n; i++) {
        PyObject *array = optional && handles[i] == 0 ? Py_NewRef(Py_None) : array_of(handles[i]);
        if (array == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, array);
    }
    return list;
}

static int64_t backward_direct(int32_t n, const int64_t *heads, const int64_t *head_grads, int retain,
                               int train)
{
    PyThreadState *entered = enter_python();
    PyObject *of = list_of(n, heads, 0);
    PyObject *grads = head_grads != NULL ? list_of(n, head_grads, 1) : Py_NewRef(Py_None);
    int64_t rc = NOT_SIMPLE;
    if (of != NULL && grads != NULL)
        rc = done_or_report(PyObject_CallFunctionObjArgs(direct[BACKWARD], of, grads,
                                                         retain ? Py_True : Py_False,
                                                         train ? Py_True : Py_False, NULL));
    PyErr_Clear();
    Py_XDECREF(of);
    Py_XDECREF(grads);
    leave_python(entered);
    return rc;
}

/* What a value holds, a new reference; NULL if objects.py has to read it. */
static PyObject *simple_object(const mxg_value *v)
{
    switch (v->kind) {
    case MXG_IS_NONE:
        return Py_NewRef(Py_None);
    case MXG_IS_BOOL:
        return PyBool_FromLong(v->number != 0);
    case MXG_IS_INT:
        return PyLong_FromLongLong(v->number);
    case MXG_IS_DOUBLE:
        return PyFloat_FromDouble(v->real);
    case MXG_IS_NDARRAY:
        return array_of(H(v->at));
    case MXG_IS_OBJECT:
        return found_in(OBJECTS, H(v->at));
    default:
        return NULL;
    }
}

/* Writes what a call gave, whose reference is taken over, into a value that is "none". */
static int64_t give_value(PyObject *found, mxg_value *result)
{
    int64_t rc = 1;
    if (found == NULL)
        return number_or_report(NULL);
    if (result == NULL || found == Py_None) {
        Py_DECREF(found);
    } else if (PyObject_TypeCheck(found, (PyTypeObject *)kept[ARRAY_CLASS])) {
        rc = give_array(found);
        if (rc > 0) {
            result->at = (const void *)(intptr_t)rc;
            result->kind = MXG_IS_NDARRAY;
        }
    } else {
        long long address = (intptr_t)result;
        rc = number_or_report(PyObject_CallFunction(direct[WRITTEN], "LO", address, found));
        Py_DECREF(found);
    }
    return rc;
}

enum { MOST_ARGS = 8 };

int64_t call_simply(const mxg_value *target, const char *method, int32_t n_args, const mxg_value *args,
                    mxg_value *result)
{
    /* room for what a method's call puts before them, the target, the method's name, the arguments */
    PyObject *given[1 + 2 + MOST_ARGS] = {NULL};
    PyThreadState *entered;
    int64_t rc = NOT_SIMPLE;
    int32_t n = 0;

    if (n_args > MOST_ARGS || (target->kind != MXG_IS_OBJECT && target->kind != MXG_IS_NDARRAY) ||
        !has_thread_state())
        return NOT_SIMPLE;
    entered = enter_python();
    given[1] = simple_object(target);
    given[2] = PyUnicode_FromString(method != NULL ? method : "");
    while (n < n_args && (given[3 + n] = simple_object(&args[n])) != NULL)
        n++;
    PyErr_Clear();
    if (n == n_args && given[1] != NULL && given[2] != NULL) {
        /* an object that is called itself, such as a block, needs nothing looked up */
        const int itself = (method == NULL || *method == 0) && PyCallable_Check(given[1]);
        PyObject *function = itself ? given[1] : direct[CALLED], **first = given + (itself ? 3 : 1);
        const size_t count = (size_t)(itself ? n : n + 2) | PY_VECTORCALL_ARGUMENTS_OFFSET;
        rc = give_value(PyObject_Vectorcall(function, first, count, NULL), result);
    }
    for (n = 0; n < 2 + MOST_ARGS; n++)
        Py_XDECREF(given[1 + n]);
    leave_python(entered);
    return rc;
}

/* Runs bootstrap.py, and connects capi.py with mxg_py_*. */
static int start_engine(void)
{
    char directory[PATH_MAX];
    PyObject *names, *ran = NULL, *capi = NULL, *module = NULL, *lib = NULL, *ffi = NULL, *done = NULL;
    int i;

    copy_cut(directory, sizeof directory, library_path);
    up(directory);
    names = PyDict_New();
    if (names != NULL && PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0 &&
        (ran = PyRun_String(mxg_bootstrap, Py_file_input, names, names)) != NULL)
        capi = PyObject_CallFunction(PyDict_GetItemString(names, "start"), "sis", directory, own,
                                     mxg_version_string());
    if (capi != NULL && (module = PyInit__mxgrad()) != NULL &&
        (lib = PyObject_GetAttrString(module, "lib")) != NULL &&
        (ffi = PyObject_GetAttrString(module, "ffi")) != NULL)
        done = PyObject_CallMethod(capi, "install", "OOssi", ffi, lib, library_path, libpython_path, own);
    for (i = 0; done != NULL && i < N_DIRECT; i++)
        if ((direct[i] = PyObject_GetAttrString(capi, DIRECT[i])) == NULL)
            Py_CLEAR(done);
    for (i = 0; done != NULL && i < N_KEPT; i++)
        if ((kept[i] = PyObject_GetAttrString(capi, KEPT[i])) == NULL)
            Py_CLEAR(done);
    if (done != NULL && (report = PyObject_GetAttrString(capi, "_report")) == NULL)
        Py_CLEAR(done);
    if (done == NULL)
        start_failed_in_python();
    Py_XDECREF(ffi);
    Py_XDECREF(lib);
    Py_XDECREF(capi);
    Py_XDECREF(ran);
    Py_XDECREF(names);
    return done != NULL ? 0 : -1;
}

static int start(const char *python, unsigned flags)
{
    char other[PATH_MAX] = "";
    const char *running = Py_GetVersion();
    struct sigaction interrupt;
    PyGILState_STATE gil;
    int rc;

    if (strncmp(running, PYTHON_VERSION ".", sizeof PYTHON_VERSION) != 0)
        return start_failed("libmxgrad was built for Python " PYTHON_VERSION
                            " but this process runs Python %.*s", (int)strcspn(running, " "), running);
    if (path_of(address_of(mxg_version), library_path) != 0)
        return start_failed("cannot find out where libmxgrad.so.1 is");
    path_of(address_of(Py_IsInitialized), libpython_path);
    dl_iterate_phdr(find_another_python, other);
    if (*other != 0)
        return start_failed("another Python is already running in this process (%s); libmxgrad uses %s, and "
                            "a process can hold one Python only", other, libpython_path);
    if (find_python(python) != 0)
        return -1;
    /* Extension modules such as NumPy's take Python's symbols from the global scope, and whoever loaded this
     * library may have kept them out of it.  NULL, when Python is linked into the program itself, is fine. */
    dlopen(libpython_path, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);

    sigaction(SIGINT, NULL, &interrupt);
    if (!Py_IsInitialized() && start_python(flags) != 0)
        return -1;
    gil = PyGILState_Ensure();
    rc = start_engine();
    PyGILState_Release(gil);
    if (own)
        sigaction(SIGINT, &interrupt, NULL); /* until 3.10 the signal module takes it over regardless */
    return rc;
}

/* fork() in a thread while another one holds Python's lock would leave it locked in the child for ever. */
static __thread PyGILState_STATE fork_gil;
static __thread int fork_prepared;

static void before_fork(void)
{
    /* holding the lock already, this is os.fork(), which prepares Python itself */
    fork_prepared = __atomic_load_n(&engine_state, __ATOMIC_ACQUIRE) == STARTED && !PyGILState_Check();
    if (fork_prepared) {
        fork_gil = PyGILState_Ensure();
        PyOS_BeforeFork();
    }
}

static void after_fork_parent(void)
{
    if (fork_prepared) {
        PyOS_AfterFork_Parent();
        PyGILState_Release(fork_gil);
    }
}

static void after_fork_child(void)
{
    if (fork_prepared) {
        PyOS_AfterFork_Child();
        PyGILState_Release(fork_gil);
    }
}

static pthread_mutex_t start_mutex;
static pthread_once_t start_once = PTHREAD_ONCE_INIT;

static void start_mutex_make(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    /* what is imported may call the library */
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&start_mutex, &attributes);
}

int enter_slowly(const mxg_options *options)
{
    PyThreadState *thread = NULL;
    const char *python = NULL;
    unsigned flags = 0;
    int now;

    if (options != NULL && options->struct_size >= offsetof(mxg_options, flags) + sizeof options->flags)
        flags = options->flags;
    if (options != NULL && options->struct_size >= offsetof(mxg_options, python) + sizeof options->python)
        python = options->python;
    pthread_once(&start_once, start_mutex_make);
    /* the thread that holds the mutex needs Python's lock, so do not wait for the mutex with it */
    if (Py_IsInitialized() && PyGILState_Check())
        thread = PyEval_SaveThread();
    pthread_mutex_lock(&start_mutex);
    now = __atomic_load_n(&engine_state, __ATOMIC_ACQUIRE);
    if (now == NOT_STARTED) {
        now = start(python, flags) == 0 ? STARTED : START_FAILED;
        if (now == STARTED)
            pthread_atfork(before_fork, after_fork_parent, after_fork_child);
        __atomic_store_n(&engine_state, now, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&start_mutex);
    if (thread != NULL)
        PyEval_RestoreThread(thread);
    if (now == STARTED)
        return MXG_OK;
    if (now == SHUT_DOWN)
        return fail(MXG_ERR_SHUTDOWN, "mxgrad has been shut down with the Python that it runs in");
    fail(MXG_ERR_INIT, "%s", start_error != NULL ? start_error : "out of memory");
    if (start_traceback != NULL)
        mxg_c_traceback(start_traceback);
    return MXG_ERR_INIT;
}

void mxg_c_shutdown(void)
{
    __atomic_store_n(&engine_state, SHUT_DOWN, __ATOMIC_RELEASE);
}

/* ---- results ------------------------------------------------------------------------------------------- */

static inline int give(int64_t rc, mxg_ndarray *out)
{
    if (LIKELY(rc > 0)) {
        *out = (mxg_ndarray)(intptr_t)rc;
        return MXG_OK;
    }
    return failed(rc);
}

static void clear(int32_t n, mxg_ndarray *out)
{
    int32_t i;
    for (i = 0; out != NULL && i < n; i++)
        out[i] = NULL;
}

int give_text(int what, int64_t h, char *buf, size_t cap, size_t *need)
{
    int64_t size;
    ENTER();
    if (buf == NULL && (cap != 0 || need == NULL))
        return fail(MXG_ERR_VALUE, "buf is NULL");
    size = mxg_py_text(what, h, buf, (int64_t)(cap < INT64_MAX ? cap : INT64_MAX));
    if (size <= 0)
        return failed(size);
    if (need != NULL)
        *need = (size_t)size;
    if (cap > 0 && cap < (size_t)size)
        return fail(MXG_ERR_BUFFER, "the text has %lld bytes, the buffer %zu", (long long)size, cap);
    return MXG_OK;
}

/* ---- library ------------------------------------------------------------------------------------------ */

MXG_API int mxg_version(void)
{
    return MXG_VERSION;
}

MXG_API const char *mxg_version_string(void)
{
    return MXG_VERSION_TEXT;
}

MXG_API int mxg_abi_version(void)
{
    return MXG_ABI_VERSION;
}

MXG_API int mxg_init(const mxg_options *options)
{
    return LIKELY(__atomic_load_n(&engine_state, __ATOMIC_ACQUIRE) == STARTED) ? MXG_OK : enter_slowly(options);
}

MXG_API int mxg_info(char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_INFO, 0, buf, cap, need);
}

MXG_API int mxg_live(int32_t kind, int64_t *count)
{
    int64_t rc;
    ENTER();
    REQUIRE(count);
    rc = mxg_py_live(kind);
    if (rc <= 0)
        return failed(rc);
    *count = rc - 1;
    return MXG_OK;
}

MXG_API int mxg_waitall(void)
{
    ENTER();
    return status(mxg_py_waitall());
}

MXG_API const char *mxg_last_traceback(void)
{
    thread_record *e = get_record();
    if (e == NULL)
        return "";
    if (e->frames && e->traceback == NULL && !is_shut_down()) {
        e->frames = 0;
        mxg_py_traceback();
    }
    return e->traceback != NULL ? e->traceback : "";
}

MXG_API int mxg_set_location(const char *file, int line)
{
    thread_record *e;
    int rc;
    ENTER();
    e = get_record();
    if (e == NULL)
        return MXG_ERR_MEMORY;
    if (file != NULL && e->file != NULL && strcmp(file, e->file) == 0)
        return status(has_thread_state() ? call_direct(SET_LINE, 1, line, 0, 0) : mxg_py_set_line(line));
    rc = status(mxg_py_set_location(file, line));
    free(e->file);
    e->file = rc == MXG_OK && file != NULL ? strdup(file) : NULL;
    return rc;
}

/* ---- arrays ------------------------------------------------------------------------------------------- */

enum { MAX_NDIM = 32 };

/* Checks a shape before anything is allocated; the number of elements goes into *size. */
static int check_shape(int32_t ndim, const int64_t *shape, int64_t *size)
{
    int32_t i;
    if (ndim < 0 || ndim > MAX_NDIM)
        return fail(MXG_ERR_VALUE, "ndim is %ld, it must be in 0..%d", (long)ndim, MAX_NDIM);
    REQUIRE_N(ndim, shape);
    *size = 1;
    for (i = 0; i < ndim; i++)
        if (shape[i] < 0)
            return fail(MXG_ERR_VALUE, "shape[%ld] is %lld, it must not be negative", (long)i,
                        (long long)shape[i]);
        else if (shape[i] == 0)
            *size = 0;
    for (i = 0; i < ndim && *size > 0; i++) {
        if (shape[i] > (INT64_C(1) << 47) / *size)
            return fail(MXG_ERR_MEMORY, "the shape has more than 2**47 elements");
        *size *= shape[i];
    }
    return MXG_OK;
}

MXG_API int mxg_ndarray_from_data(const void *data, const char *dtype, int32_t ndim, const int64_t *shape,
                                  const char *context, mxg_ndarray *out)
{
    int64_t size;
    int rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    if ((rc = check_shape(ndim, shape, &size)) != MXG_OK)
        return rc;
    REQUIRE_N(size, data);
    return give(mxg_py_from_data(data, dtype, ndim, shape, context), out);
}

MXG_API int mxg_ndarray_full(double value, const char *dtype, int32_t ndim, const int64_t *shape,
                             const char *context, mxg_ndarray *out)
{
    int64_t size;
    int rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    if ((rc = check_shape(ndim, shape, &size)) != MXG_OK)
        return rc;
    return give(mxg_py_full(value, dtype, ndim, shape, context), out);
}

MXG_API int mxg_ndarray_zeros(const char *dtype, int32_t ndim, const int64_t *shape, const char *context,
                              mxg_ndarray *out)
{
    return mxg_ndarray_full(0.0, dtype, ndim, shape, context, out);
}

MXG_API int mxg_ndarray_ones(const char *dtype, int32_t ndim, const int64_t *shape, const char *context,
                             mxg_ndarray *out)
{
    return mxg_ndarray_full(1.0, dtype, ndim, shape, context, out);
}

MXG_API int mxg_ndarray_scalar(double value, const char *dtype, const char *context, mxg_ndarray *out)
{
    const int64_t shape[1] = {1};
    return mxg_ndarray_full(value, dtype, 1, shape, context, out);
}

MXG_API int mxg_ndarray_dup(mxg_ndarray a, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    return give(mxg_py_dup(H(a)), out);
}

MXG_API int mxg_ndarray_free(mxg_ndarray a)
{
    if (a == NULL || is_shut_down())
        return MXG_OK;
    ENTER();
    return status(has_thread_state() ? free_direct(H(a)) : mxg_py_free(H(a)));
}

MXG_API int mxg_ndarray_free_n(int32_t n, const mxg_ndarray *a)
{
    REQUIRE_N(n, a);
    if (n == 0 || is_shut_down())
        return MXG_OK;
    ENTER();
    return status(mxg_py_free_n(n, HS(a)));
}

MXG_API int mxg_ndarray_shape(mxg_ndarray a, int32_t cap, int64_t *shape, int32_t *ndim)
{
    int64_t rc;
    ENTER();
    REQUIRE(ndim);
    REQUIRE_N(cap, shape);
    rc = mxg_py_shape(H(a), cap, shape);
    if (rc <= 0)
        return failed(rc);
    *ndim = (int32_t)(rc - 1);
    if (cap > 0 && *ndim > cap)
        return fail(MXG_ERR_BUFFER, "the array has %ld axes, there is room for %ld", (long)*ndim, (long)cap);
    return MXG_OK;
}

int give_name(int64_t address, const char **name)
{
    if (address <= 0)
        return failed(address);
    *name = (const char *)(intptr_t)address;
    return MXG_OK;
}

MXG_API int mxg_ndarray_dtype(mxg_ndarray a, const char **name)
{
    ENTER();
    REQUIRE(name);
    return give_name(mxg_py_dtype(H(a)), name);
}

MXG_API int mxg_ndarray_context(mxg_ndarray a, const char **name)
{
    ENTER();
    REQUIRE(name);
    return give_name(mxg_py_context(H(a)), name);
}

MXG_API int mxg_ndarray_nbytes(mxg_ndarray a, size_t *nbytes)
{
    int64_t rc;
    ENTER();
    REQUIRE(nbytes);
    rc = mxg_py_nbytes(H(a));
    if (rc <= 0)
        return failed(rc);
    *nbytes = (size_t)(rc - 1);
    return MXG_OK;
}

MXG_API int mxg_ndarray_copy_to(mxg_ndarray a, void *dst, size_t nbytes)
{
    ENTER();
    if (nbytes > 0)
        REQUIRE(dst);
    return status(mxg_py_copy_to(H(a), dst, (int64_t)nbytes));
}

MXG_API int mxg_ndarray_copy_from(mxg_ndarray a, const void *src, size_t nbytes)
{
    ENTER();
    if (nbytes > 0)
        REQUIRE(src);
    return status(mxg_py_copy_from(H(a), src, (int64_t)nbytes));
}

MXG_API int mxg_ndarray_data(mxg_ndarray a, void **data, size_t *nbytes)
{
    int64_t address, size = 0;
    ENTER();
    REQUIRE(data);
    REQUIRE(nbytes);
    address = mxg_py_data(H(a), &size);
    if (address <= 0)
        return failed(address);
    *data = (void *)(intptr_t)address;
    *nbytes = (size_t)size;
    return MXG_OK;
}

MXG_API int mxg_ndarray_touch(mxg_ndarray a)
{
    ENTER();
    return status(mxg_py_touch(H(a)));
}

MXG_API int mxg_ndarray_item(mxg_ndarray a, double *value)
{
    int64_t rc;
    ENTER();
    REQUIRE(value);
    rc = has_thread_state() ? item_direct(H(a), value) : NOT_SIMPLE;
    return status(rc != NOT_SIMPLE ? rc : mxg_py_item(H(a), value));
}

MXG_API int mxg_ndarray_text(mxg_ndarray a, char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_NDARRAY, H(a), buf, cap, need);
}

MXG_API int mxg_ndarray_as_in_context(mxg_ndarray a, const char *context, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE(context);
    return give(mxg_py_as_in_context(H(a), context), out);
}

/* The index arrays of mxg_ndarray_slice. */
#define REQUIRE_SLICE()                                                                           \
    do {                                                                                          \
        int32_t axis_;                                                                            \
        REQUIRE_N(n, begin);                                                                      \
        for (axis_ = 0; end == NULL && axis_ < n; axis_++)                                        \
            if (drop == NULL || !drop[axis_])                                                     \
                REQUIRE(end);                                                                     \
    } while (0)

MXG_API int mxg_ndarray_slice(mxg_ndarray a, int32_t n, const int64_t *begin, const int64_t *end,
                              const int64_t *step, const int32_t *drop, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE_SLICE();
    return give(mxg_py_slice(H(a), n, begin, end, step, drop), out);
}

MXG_API int mxg_ndarray_at(mxg_ndarray a, int64_t i, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    return give(mxg_py_at(H(a), i), out);
}

MXG_API int mxg_ndarray_index(mxg_ndarray a, int32_t n, const mxg_ndarray *index, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE_N(n, index);
    return give(mxg_py_index(H(a), n, HS(index)), out);
}

MXG_API int mxg_ndarray_assign(mxg_ndarray a, mxg_ndarray value)
{
    ENTER();
    return status(mxg_py_assign_slice(H(a), 0, NULL, NULL, NULL, NULL, H(value)));
}

MXG_API int mxg_ndarray_assign_scalar(mxg_ndarray a, double value)
{
    ENTER();
    return status(mxg_py_assign_scalar(H(a), value));
}

MXG_API int mxg_ndarray_assign_slice(mxg_ndarray a, int32_t n, const int64_t *begin, const int64_t *end,
                                     const int64_t *step, const int32_t *drop, mxg_ndarray value)
{
    ENTER();
    REQUIRE_SLICE();
    return status(mxg_py_assign_slice(H(a), n, begin, end, step, drop, H(value)));
}

MXG_API int mxg_ndarray_assign_index(mxg_ndarray a, int32_t n, const mxg_ndarray *index, mxg_ndarray value)
{
    ENTER();
    REQUIRE_N(n, index);
    return status(mxg_py_assign_index(H(a), n, HS(index), H(value)));
}

MXG_API int mxg_save(const char *path, int32_t n, const char *const *names, const mxg_ndarray *a)
{
    int32_t i;
    ENTER();
    REQUIRE(path);
    REQUIRE_N(n, a);
    for (i = 0; names != NULL && i < n; i++)
        REQUIRE(names[i]);
    return status(mxg_py_save(path, n, names, HS(a)));
}

MXG_API int mxg_load(const char *path, int32_t cap, mxg_ndarray *a, int32_t *n, char *names, size_t names_cap,
                     size_t *need)
{
    int64_t rc, sizes[2] = {0, 0};
    clear(cap, a);
    ENTER();
    REQUIRE(path);
    REQUIRE(n);
    REQUIRE_N(cap, a);
    if (names_cap > 0)
        REQUIRE(names);
    rc = mxg_py_load(path, cap, (int64_t *)a, names, (int64_t)names_cap, sizes);
    if (rc <= 0)
        return failed(rc);
    *n = (int32_t)sizes[0];
    if (need != NULL)
        *need = (size_t)sizes[1];
    if (cap > 0 && cap < *n)
        return fail(MXG_ERR_BUFFER, "the file has %ld arrays, there is room for %ld", (long)*n, (long)cap);
    if (names_cap > 0 && names_cap < (size_t)sizes[1])
        return fail(MXG_ERR_BUFFER, "the names have %lld bytes, the buffer %zu", (long long)sizes[1],
                    names_cap);
    return MXG_OK;
}

MXG_API int mxg_ndarray_from_dlpack(void *managed, int versioned, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE(managed);
    return give(mxg_py_from_dlpack(managed, versioned), out);
}

MXG_API int mxg_ndarray_to_dlpack(mxg_ndarray a, void **managed)
{
    int64_t address;
    REQUIRE(managed);
    *managed = NULL;
    ENTER();
    address = mxg_py_to_dlpack(H(a));
    if (address <= 0)
        return failed(address);
    *managed = (void *)(intptr_t)address;
    return MXG_OK;
}

void mxg_c_dlpack_delete(void *managed)
{
    if (!is_shut_down())
        mxg_py_dlpack_release((int64_t)(intptr_t)managed);
}

/* ---- operators ---------------------------------------------------------------------------------------- */

/* An operator's handle is its number plus this, which is no address and no array's handle. */
#define FIRST_OP INT64_C(0x4D58000000000000)

/* Known after the first mxg_op_find, without which there is no operator.  Threads that find out at the same
 * time find the same. */
static int known_ops;

static inline int n_ops(void)
{
    return __atomic_load_n(&known_ops, __ATOMIC_RELAXED);
}

static int load_ops(void)
{
    if (n_ops() == 0) {
        int64_t rc = mxg_py_op_count();
        if (rc <= 0)
            return failed(rc);
        __atomic_store_n(&known_ops, (int)rc, __ATOMIC_RELAXED);
    }
    return MXG_OK;
}

static int give_op(int number, mxg_op *out)
{
    *out = (mxg_op)(intptr_t)(FIRST_OP + number);
    return MXG_OK;
}

/* The operator's number, or -1. */
static inline int op_number(mxg_op op)
{
    uint64_t number = (uint64_t)H(op) - (uint64_t)FIRST_OP;
    return LIKELY(number < (uint64_t)n_ops()) ? (int)number : -1;
}

static int bad_op(mxg_op op)
{
    if (op == NULL)
        return fail(MXG_ERR_HANDLE, "the operator is NULL");
    return fail(MXG_ERR_HANDLE, "0x%llx is no operator", (unsigned long long)H(op));
}

MXG_API int mxg_op_find(const char *name, mxg_op *out)
{
    int64_t rc;
    int loaded;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE(name);
    if ((loaded = load_ops()) != MXG_OK)
        return loaded;
    rc = mxg_py_op_find(name);
    return rc > 0 ? give_op((int)(rc - 1), out) : failed(rc);
}

MXG_API int mxg_op_count(int32_t *n)
{
    int loaded;
    ENTER();
    REQUIRE(n);
    if ((loaded = load_ops()) != MXG_OK)
        return loaded;
    *n = n_ops();
    return MXG_OK;
}

MXG_API int mxg_op_at(int32_t i, mxg_op *out, const char **name)
{
    int rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE(name);
    if ((rc = load_ops()) != MXG_OK)
        return rc;
    if (i < 0 || i >= n_ops())
        return fail(MXG_ERR_VALUE, "there is no operator number %ld; there are %d", (long)i, n_ops());
    rc = give_name(mxg_py_op_name(i), name);
    return rc == MXG_OK ? give_op(i, out) : rc;
}

MXG_API int mxg_op_info(mxg_op op, char *buf, size_t cap, size_t *need)
{
    int number;
    ENTER();
    if ((number = op_number(op)) < 0)
        return bad_op(op);
    return give_text(TEXT_OP, number, buf, cap, need);
}

/* Delivers what mxg_py_invoke* returned: one result's handle, or SEVERAL. */
static inline int give_results(int64_t rc, int32_t *n_out, mxg_ndarray *out)
{
    int32_t cap = *n_out;
    if (LIKELY(rc > 0)) {
        *n_out = 1;
        *out = (mxg_ndarray)(intptr_t)rc;
        return MXG_OK;
    }
    if (rc != SEVERAL)
        return failed(rc);
    rc = mxg_py_results(cap, (int64_t *)out);
    if (rc <= 0)
        return failed(rc);
    *n_out = (int32_t)(rc - 1);
    if (*n_out > cap)
        return fail(MXG_ERR_BUFFER, "the operator has %ld results, there is room for %ld", (long)*n_out,
                    (long)cap);
    return MXG_OK;
}

static inline int64_t invoke1(int op, int64_t a)
{
    return has_thread_state() ? invoke_direct(op, a, 0) : mxg_py_invoke1(op, a);
}

static inline int64_t invoke2(int op, int64_t a, int64_t b)
{
    return has_thread_state() && b != 0 ? invoke_direct(op, a, b) : mxg_py_invoke2(op, a, b);
}

static int invoke(mxg_op op, int32_t n_in, const mxg_ndarray *in, const char *params, int64_t nbytes,
                  int32_t *n_out, mxg_ndarray *out)
{
    int number = op_number(op);
    int64_t rc;
    if (number < 0)
        return bad_op(op);
    /* one and two arrays as plain numbers: Python takes them much quicker than an array of them */
    if (n_in == 1 && in[0] != NULL)
        rc = nbytes > 0 ? mxg_py_invoke1_with(number, H(in[0]), params, nbytes)
                        : invoke1(number, H(in[0]));
    else if (n_in == 2 && in[0] != NULL && in[1] != NULL)
        rc = nbytes > 0 ? mxg_py_invoke2_with(number, H(in[0]), H(in[1]), params, nbytes)
                        : invoke2(number, H(in[0]), H(in[1]));
    else
        rc = mxg_py_invoke(number, n_in, HS(in), params, nbytes, 0);
    return give_results(rc, n_out, out);
}

/* The parameters of a call in one block, as mxg_invoke_packed takes them. */
typedef struct {
    size_t nbytes;
    char *text;
    char space[512];
} block;

enum { MAX_PARAMS = 1 << 24 };

static int pack(block *b, int32_t n_params, const char *const *keys, const char *const *vals)
{
    size_t size = 0;
    int32_t i;
    char *at;
    b->nbytes = 0;
    b->text = b->space;
    if (n_params == 0)
        return MXG_OK;
    REQUIRE_N(n_params, keys);
    REQUIRE(vals);
    for (i = 0; i < n_params; i++) {
        if (keys[i] == NULL || vals[i] == NULL)
            return fail(MXG_ERR_VALUE, "%s[%ld] is NULL", keys[i] == NULL ? "keys" : "vals", (long)i);
        size += strlen(keys[i]) + strlen(vals[i]) + 2;
        if (size > MAX_PARAMS)
            return fail(MXG_ERR_VALUE, "the parameters have more than %d bytes", MAX_PARAMS);
    }
    if (size > sizeof b->space && (b->text = malloc(size)) == NULL)
        return fail(MXG_ERR_MEMORY, "no memory for %zu bytes of parameters", size);
    for (i = 0, at = b->text; i < n_params; i++) {
        at = stpcpy(at, keys[i]) + 1;
        at = stpcpy(at, vals[i]) + 1;
    }
    b->nbytes = size;
    return MXG_OK;
}

static void unpack(block *b)
{
    if (b->text != b->space)
        free(b->text);
}

/* The room for results; there is always at least one. */
#define REQUIRE_ROOM()                                                                            \
    do {                                                                                          \
        REQUIRE(n_out);                                                                           \
        clear(*n_out, out);                                                                       \
        ENTER();                                                                                  \
        REQUIRE_N(n_in, in);                                                                      \
        if (*n_out < 1) {                                                                         \
            *n_out = 1;                                                                           \
            return fail(MXG_ERR_BUFFER, "there is no room for a result");                         \
        }                                                                                         \
        REQUIRE(out);                                                                             \
    } while (0)

MXG_API int mxg_invoke(mxg_op op, int32_t n_in, const mxg_ndarray *in, int32_t n_params,
                       const char *const *keys, const char *const *vals, int32_t *n_out, mxg_ndarray *out)
{
    block params;
    int rc;
    REQUIRE_ROOM();
    if ((rc = pack(&params, n_params, keys, vals)) != MXG_OK)
        return rc;
    rc = invoke(op, n_in, in, params.text, (int64_t)params.nbytes, n_out, out);
    unpack(&params);
    return rc;
}

MXG_API int mxg_invoke_packed(mxg_op op, int32_t n_in, const mxg_ndarray *in, const char *params,
                              size_t params_bytes, int32_t *n_out, mxg_ndarray *out)
{
    REQUIRE_ROOM();
    if (params_bytes > 0)
        REQUIRE(params);
    if (params_bytes > MAX_PARAMS)
        return fail(MXG_ERR_VALUE, "the parameters have more than %d bytes", MAX_PARAMS);
    return invoke(op, n_in, in, params, (int64_t)params_bytes, n_out, out);
}

MXG_API int mxg_invoke_into(mxg_op op, int32_t n_in, const mxg_ndarray *in, int32_t n_params,
                            const char *const *keys, const char *const *vals, mxg_ndarray dst)
{
    block params;
    int rc, number;
    ENTER();
    REQUIRE_N(n_in, in);
    if ((number = op_number(op)) < 0)
        return bad_op(op);
    if (dst == NULL)
        return fail(MXG_ERR_HANDLE, "dst is NULL");
    if ((rc = pack(&params, n_params, keys, vals)) != MXG_OK)
        return rc;
    rc = status(mxg_py_invoke(number, n_in, HS(in), params.text, (int64_t)params.nbytes, H(dst)));
    unpack(&params);
    return rc;
}

/* For the calls that promise one result: an operator with another number of them is not for these. */
static inline int give_one(int64_t rc, mxg_ndarray *out)
{
    int32_t n = 1;
    int got;
    if (LIKELY(rc > 0))
        return give(rc, out);
    got = give_results(rc, &n, out);
    if (got == MXG_OK && n != 1)
        return fail(MXG_ERR_TYPE, "the operator has no result");
    return got;
}

MXG_API int mxg_invoke1(mxg_op op, mxg_ndarray a, mxg_ndarray *out)
{
    int number;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    if ((number = op_number(op)) < 0)
        return bad_op(op);
    return give_one(invoke1(number, H(a)), out);
}

MXG_API int mxg_invoke2(mxg_op op, mxg_ndarray a, mxg_ndarray b, mxg_ndarray *out)
{
    int number;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    if ((number = op_number(op)) < 0)
        return bad_op(op);
    return give_one(invoke2(number, H(a), H(b)), out);
}

MXG_API int mxg_invoke_scalar(mxg_op op, mxg_ndarray a, double value, int reversed, mxg_ndarray *out)
{
    const double exact = 9007199254740992.0; /* 2**53 */
    int number;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    if ((number = op_number(op)) < 0)
        return bad_op(op);
    /* -0.0 stays a double, for its sign */
    if (value > -exact && value < exact && value == (double)(int64_t)value && (value != 0 || !signbit(value)))
        return give_one(mxg_py_invoke_int(number, H(a), (int64_t)value, reversed != 0), out);
    return give_one(mxg_py_invoke_double(number, H(a), value, reversed != 0), out);
}

/* ---- automatic differentiation ------------------------------------------------------------------------ */

static int give_flag(int64_t rc, int *flag)
{
    if (rc <= 0)
        return failed(rc);
    if (flag != NULL)
        *flag = (int)(rc - 1);
    return MXG_OK;
}

MXG_API int mxg_set_recording(int on, int *previous)
{
    ENTER();
    return give_flag(mxg_py_recording(on != 0), previous);
}

MXG_API int mxg_set_training(int on, int *previous)
{
    ENTER();
    return give_flag(mxg_py_training(on != 0), previous);
}

MXG_API int mxg_is_recording(int *on)
{
    ENTER();
    REQUIRE(on);
    return give_flag(mxg_py_recording(-1), on);
}

MXG_API int mxg_is_training(int *on)
{
    ENTER();
    REQUIRE(on);
    return give_flag(mxg_py_training(-1), on);
}

MXG_API int mxg_scope_begin(int32_t recording, int32_t training, int64_t *token)
{
    int64_t rc;
    ENTER();
    REQUIRE(token);
    if (recording < -1 || recording > 1 || training < -1 || training > 1)
        return fail(MXG_ERR_VALUE, "recording and training must be -1, 0 or 1");
    rc = has_thread_state() ? call_direct(SCOPE_BEGIN, 2, recording, training, 0)
                            : mxg_py_scope_begin(recording, training);
    if (rc <= 0)
        return failed(rc);
    *token = rc;
    return MXG_OK;
}

MXG_API int mxg_scope_end(int64_t token)
{
    ENTER();
    return status(has_thread_state() ? call_direct(SCOPE_END, 1, token, 0, 0) : mxg_py_scope_end(token));
}

MXG_API int mxg_attach_grad(mxg_ndarray a, const char *grad_req)
{
    ENTER();
    return status(mxg_py_attach_grad(H(a), grad_req != NULL ? grad_req : "write"));
}

MXG_API int mxg_drop_grad(mxg_ndarray a)
{
    ENTER();
    return status(mxg_py_drop_grad(H(a)));
}

MXG_API int mxg_mark_variables(int32_t n, const mxg_ndarray *variables, const mxg_ndarray *gradients,
                               const char *const *grad_reqs)
{
    int32_t i;
    ENTER();
    REQUIRE_N(n, variables);
    REQUIRE_N(n, gradients);
    for (i = 0; grad_reqs != NULL && i < n; i++)
        REQUIRE(grad_reqs[i]);
    return status(mxg_py_mark_variables(n, HS(variables), HS(gradients), grad_reqs));
}

/* mxg_py_grad's word for "there is none"; no handle is as small. */
enum { NO_GRAD = 1 };

MXG_API int mxg_grad(mxg_ndarray a, mxg_ndarray *out)
{
    int64_t rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    rc = mxg_py_grad(H(a));
    return rc == NO_GRAD ? MXG_OK : give(rc, out);
}

MXG_API int mxg_detach(mxg_ndarray a, mxg_ndarray *out)
{
    REQUIRE(out);
    *out = NULL;
    ENTER();
    return give(mxg_py_detach(H(a)), out);
}

MXG_API int mxg_backward(int32_t n, const mxg_ndarray *heads, const mxg_ndarray *head_grads, int retain,
                         int train)
{
    int64_t rc;
    ENTER();
    REQUIRE_N(n, heads);
    rc = has_thread_state() ? backward_direct(n, HS(heads), HS(head_grads), retain, train) : NOT_SIMPLE;
    if (rc == NOT_SIMPLE)
        rc = mxg_py_backward(n, HS(heads), HS(head_grads), retain != 0, train != 0);
    return status(rc);
}

MXG_API int mxg_grad_of(int32_t n_heads, const mxg_ndarray *heads, const mxg_ndarray *head_grads,
                        int32_t n_vars, const mxg_ndarray *variables, int retain, int create_graph, int train,
                        mxg_ndarray *out)
{
    clear(n_vars, out);
    ENTER();
    REQUIRE_N(n_heads, heads);
    REQUIRE_N(n_vars, variables);
    REQUIRE_N(n_vars, out);
    return status(mxg_py_grad_of(n_heads, HS(heads), HS(head_grads), n_vars, HS(variables),
                                 retain < 0 ? create_graph != 0 : retain != 0, create_graph != 0, train != 0,
                                 (int64_t *)out));
}

MXG_API int mxg_symbol_text(mxg_ndarray a, char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_SYMBOL, H(a), buf, cap, need);
}

MXG_API int mxg_symbol_json(mxg_ndarray a, char *buf, size_t cap, size_t *need)
{
    return give_text(TEXT_SYMBOL_JSON, H(a), buf, cap, need);
}

/* ---- custom functions --------------------------------------------------------------------------------- */

/* The callback's status, with an error recorded if it is one; `serial` is that of the last error before. */
static int callback_status(int rc, unsigned long serial)
{
    const thread_record *e = get_record();
    if (rc != MXG_OK && e != NULL && e->serial == serial)
        fail(rc == MXG_ERR_STOP ? rc : MXG_ERR_CALLBACK, "the callback returned %d and gave no reason", rc);
    return rc;
}

static unsigned long error_serial(void)
{
    const thread_record *e = get_record();
    return e != NULL ? e->serial : 0;
}

int mxg_c_call(mxg_callback f, void *ctx, int n_in, const int64_t *in, int n_out, int64_t *out)
{
    unsigned long serial = error_serial();
    return callback_status(f(ctx, n_in, (const mxg_ndarray *)in, n_out, (mxg_ndarray *)out), serial);
}

int mxg_c_call_values(mxg_callable_function f, void *ctx, int n_args, const mxg_value *args,
                      const mxg_value *named, mxg_value *result)
{
    unsigned long serial = error_serial();
    return callback_status(f(ctx, n_args, args, named, result), serial);
}

MXG_API int mxg_function_new(const char *name, mxg_callback forward, mxg_callback backward, void *ctx,
                             mxg_deleter del, mxg_function *out)
{
    int64_t rc;
    REQUIRE(out);
    *out = NULL;
    ENTER();
    REQUIRE(forward);
    REQUIRE(backward);
    rc = mxg_py_function_new(name != NULL ? name : "function", forward, backward, ctx, del);
    if (rc <= 0)
        return failed(rc);
    *out = (mxg_function)(intptr_t)rc;
    return MXG_OK;
}

MXG_API int mxg_function_call(mxg_function f, int32_t n_in, const mxg_ndarray *in, int32_t n_out,
                              mxg_ndarray *out)
{
    clear(n_out, out);
    ENTER();
    REQUIRE_N(n_in, in);
    REQUIRE_N(n_out, out);
    return status(mxg_py_function_call(H(f), n_in, HS(in), n_out, (int64_t *)out));
}

MXG_API int mxg_save_for_backward(int32_t n, const mxg_ndarray *a)
{
    ENTER();
    REQUIRE_N(n, a);
    return status(mxg_py_save_for_backward(n, HS(a)));
}

MXG_API int mxg_function_free(mxg_function f)
{
    if (f == NULL || is_shut_down())
        return MXG_OK;
    ENTER();
    return status(mxg_py_function_free(H(f)));
}

/* ---- programs ----------------------------------------------------------------------------------------- */

MXG_API int mxg_program_begin(int32_t n_in, const mxg_ndarray *in)
{
    ENTER();
    REQUIRE_N(n_in, in);
    return status(mxg_py_program_begin(n_in, HS(in)));
}

MXG_API int mxg_program_end(int32_t n_out, const mxg_ndarray *out, mxg_program *p)
{
    int64_t rc;
    if (p != NULL)
        *p = NULL;
    ENTER();
    if (p == NULL)
        return status(mxg_py_program_end(0, NULL, 0));
    REQUIRE_N(n_out, out);
    rc = mxg_py_program_end(n_out, HS(out), 1);
    if (rc <= 0)
        return failed(rc);
    *p = (mxg_program)(intptr_t)rc;
    return MXG_OK;
}

MXG_API int mxg_program_run(mxg_program p, int32_t n_in, const mxg_ndarray *in, int32_t n_out,
                            mxg_ndarray *out)
{
    clear(n_out, out);
    ENTER();
    REQUIRE_N(n_in, in);
    REQUIRE_N(n_out, out);
    return status(mxg_py_program_run(H(p), n_in, HS(in), n_out, (int64_t *)out));
}

MXG_API int mxg_program_free(mxg_program p)
{
    if (p == NULL || is_shut_down())
        return MXG_OK;
    ENTER();
    return status(mxg_py_program_free(H(p)));
}

/* ---- random numbers ----------------------------------------------------------------------------------- */

MXG_API int mxg_seed(int64_t seed)
{
    ENTER();
    return status(mxg_py_seed(seed, NULL));
}

MXG_API int mxg_seed_context(int64_t seed, const char *context)
{
    ENTER();
    REQUIRE(context);
    return status(mxg_py_seed(seed, context));
}
