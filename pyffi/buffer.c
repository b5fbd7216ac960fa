/*
 * mxgrad.kernels._buffer: a base class whose method __buffer__ makes the buffer protocol, as it does for
 * every class from Python 3.12 on (PEP 688).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    PyObject *memory = PyObject_CallMethod(self, "__buffer__", "i", flags);
    int status;

    view->obj = NULL;       /* as the protocol wants it after an error */
    if (memory == NULL)
        return -1;
    status = PyObject_GetBuffer(memory, view, flags);
    Py_DECREF(memory);      /* view->obj keeps it */
    return status;
}

static PyType_Slot slots[] = {
    {Py_bf_getbuffer, get_buffer},
    {Py_tp_doc, "Base of classes with a method __buffer__(flags) that gives a memoryview."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mxgrad.kernels._buffer.Buffer",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mxgrad.kernels._buffer",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__buffer(void)
{
    PyObject *made = PyModule_Create(&module), *type = made ? PyType_FromSpec(&spec) : NULL;

    if (type == NULL || PyModule_AddObject(made, "Buffer", type) < 0) {
        Py_XDECREF(type);
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
