/* calls.h - every function of mxgrad.h as data, so that programs can call them all.
 *
 * test_c.py makes the table from the header's prototypes.
 */
#ifndef CALLS_H
#define CALLS_H

#include "check.h"

typedef union {
    void *p;
    int64_t i;
    double d;
    mxg_callback callback;
    mxg_deleter deleter;
} value;

typedef struct {
    const char *type, *name;
} parameter;

enum { MAX_PARAMETERS = 9 };

typedef struct {
    const char *name;
    int n;
    parameter parameters[MAX_PARAMETERS];
    int (*call)(const value *v); /* the status; MXG_OK if the function cannot fail */
} function;

extern const function FUNCTIONS[];
extern const int N_FUNCTIONS;

/* What a parameter is. */
#define TYPE(text) (strcmp(p->type, (text)) == 0)
#define NAME(text) (strcmp(p->name, (text)) == 0)

static inline int is_pointer(const parameter *p)
{
    return strchr(p->type, '*') != NULL;
}

static inline int is_handle(const parameter *p)
{
    return TYPE("mxg_ndarray") || TYPE("mxg_op") || TYPE("mxg_function") || TYPE("mxg_object")
           || TYPE("mxg_program");
}

static inline int is_callback(const parameter *p)
{
    return TYPE("mxg_callback") || TYPE("mxg_deleter");
}

/* Points to handles that the call gives. */
static inline int gives_handles(const parameter *p)
{
    return TYPE("mxg_ndarray *") || TYPE("mxg_op *") || TYPE("mxg_function *") || TYPE("mxg_object *")
           || TYPE("mxg_program *");
}

/* Points to something else that the call writes. */
static inline int is_out(const parameter *p)
{
    return is_pointer(p) && !gives_handles(p) && strncmp(p->type, "const ", 6) != 0 && !NAME("ctx") &&
           !NAME("managed") && !TYPE("mxg_value *");
}

#endif
