/* Status numbers and the last error of a thread. */
#include "check.h"

static void nothing_failed_yet(void)
{
    CHECK(strcmp(mxg_last_error(), "") == 0);
    CHECK(strcmp(mxg_last_type(), "") == 0);
    CHECK(strcmp(mxg_last_traceback(), "") == 0);
    CHECK(mxg_last_code() == MXG_OK);
}

static void versions(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", MXG_VERSION / 10000, MXG_VERSION / 100 % 100, MXG_VERSION % 100);
    CHECK(mxg_version() == MXG_VERSION && mxg_abi_version() == MXG_ABI_VERSION);
    CHECK(strcmp(mxg_version_string(), MXG_VERSION_TEXT) == 0 && strcmp(text, MXG_VERSION_TEXT) == 0);
}

static void info(void)
{
    static char text[16384];
    OK(mxg_info(text, sizeof text, NULL));
    CHECK(strstr(text, "\"version\": \"" MXG_VERSION_TEXT "\"") != NULL);
    CHECK(strstr(text, "\"hosted\": false") != NULL);
    CHECK(strstr(text, "libmxgrad.so.1\"") != NULL);
    CHECK(strstr(text, "\"cpu(0)\"") != NULL);
}

static int inner_status;
static char inner_type[64];

/* Calls itself until Python's stack is full; then the innermost call fails. */
static int recursive(void *function, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    int status = mxg_function_call(*(mxg_function *)function, n_in, in, n_out, out);
    if (inner_status == MXG_OK) {
        inner_status = status;
        strcpy(inner_type, mxg_last_type());
    }
    return status;
}

/* Every status is reached by a call that fails so; INIT and SHUTDOWN need a process of their own. */
static void every_status(void)
{
    const int64_t shape[] = {INT64_C(1) << 40, INT64_C(1) << 40}, one = 1;
    char seen[14] = {0}, buffer[2];
    mxg_ndarray a = FLOATS(1), out;
    mxg_function f;
    mxg_op found;
    int32_t n;
    int i;
    FILE *file;

#define REACH(status, call)                                                                       \
    do {                                                                                          \
        FAILS(status, call);                                                                      \
        seen[-mxg_last_code()] = 1;                                                               \
    } while (0)
    REACH(MXG_ERR_HANDLE, mxg_ndarray_touch((mxg_ndarray)7));
    REACH(MXG_ERR_VALUE, mxg_ndarray_at(a, 5, &out));
    REACH(MXG_ERR_MEMORY, mxg_ndarray_zeros(NULL, 2, shape, NULL, &out));
    REACH(MXG_ERR_TYPE, mxg_ndarray_zeros("float128", 1, &one, NULL, &out));
    REACH(MXG_ERR_CONTEXT, mxg_ndarray_zeros(NULL, 1, &one, "gpu(77)", &out));
    REACH(MXG_ERR_NOTFOUND, mxg_op_find("no such operator", &found));
    REACH(MXG_ERR_AUTOGRAD, mxg_backward(1, &a, NULL, 0, 1));
    REACH(MXG_ERR_BUFFER, mxg_ndarray_text(a, buffer, sizeof buffer, NULL));
    CHECK((file = fopen("damaged.params", "w")) != NULL);
    fclose(file);
    REACH(MXG_ERR_IO, mxg_load("damaged.params", 0, NULL, &n, NULL, 0, NULL));
    OK(mxg_function_new("deep", recursive, recursive, &f, NULL, &f));
    REACH(MXG_ERR_CALLBACK, mxg_function_call(f, 1, &a, 1, &out));
    CHECK(inner_status == MXG_ERR_INTERNAL && strcmp(inner_type, "RecursionError") == 0);
    seen[-inner_status] = 1;
    OK(mxg_function_free(f));
#undef REACH
    for (i = 1; i < LENGTH(seen); i++)
        CHECK(seen[i] || -i == MXG_ERR_INIT || -i == MXG_ERR_SHUTDOWN);
    FREE(a);
}

static void names(void)
{
    int code;
    CHECK(strcmp(mxg_status_name(MXG_OK), "MXG_OK") == 0);
    CHECK(strcmp(mxg_status_name(MXG_ERR_INIT), "MXG_ERR_INIT") == 0);
    CHECK(strcmp(mxg_status_name(MXG_ERR_BUFFER), "MXG_ERR_BUFFER") == 0);
    for (code = -13; code < 0; code++)
        CHECK(strncmp(mxg_status_name(code), "MXG_ERR_", 8) == 0);
    CHECK(strcmp(mxg_status_name(1), "unknown status") == 0);
    CHECK(strcmp(mxg_status_name(-15), "unknown status") == 0);
    CHECK(strcmp(mxg_status_name(INT32_MIN), "unknown status") == 0);
    CHECK(strcmp(mxg_status_name(INT32_MAX), "unknown status") == 0);
}

static void last_error_stays(void)
{
    char first[256];
    mxg_op found;
    mxg_ndarray a, out;
    FAILS(MXG_ERR_NOTFOUND, mxg_op_find("gr\xc3\xb6\xc3\x9f" "er", &found)); /* its own text is UTF-8 */
    SAYS("gr\xc3\xb6\xc3\x9f" "er");
    snprintf(first, sizeof first, "%s", mxg_last_error());
    a = FLOATS(1); /* success does not clear it */
    CHECK(strcmp(mxg_last_error(), first) == 0 && mxg_last_code() == MXG_ERR_NOTFOUND);
    FAILS(MXG_ERR_VALUE, mxg_ndarray_at(a, 5, &out));
    CHECK(strcmp(mxg_last_error(), first) != 0);
    FREE(a);
}

static void tracebacks(void)
{
    char first[2048];
    mxg_ndarray a = FLOATS(1), out;
    FAILS(MXG_ERR_VALUE, mxg_ndarray_at(a, 5, &out));
    snprintf(first, sizeof first, "%s", mxg_last_traceback());
    CHECK(strncmp(first, "Traceback (most recent call last):\n", 35) == 0);
    CHECK(strstr(first, "capi.py") != NULL);
    CHECK(strstr(first, mxg_last_error()) != NULL);
    CHECK(strcmp(mxg_last_traceback(), first) == 0); /* again the same */
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_touch(NULL));
    CHECK(strstr(mxg_last_traceback(), first) == NULL); /* not the old one */
    FREE(a);
}

static void set_error(void)
{
    char text[4096];
    size_t i;
    CHECK(mxg_set_error(MXG_ERR_TYPE, "too blue") == MXG_ERR_TYPE);
    CHECK(strcmp(mxg_last_error(), "too blue") == 0 && mxg_last_code() == MXG_ERR_TYPE);
    CHECK(strcmp(mxg_last_type(), "InvalidTypeError") == 0 && strcmp(mxg_last_traceback(), "") == 0);
    CHECK(mxg_set_error(0, "zero is no error") == MXG_ERR_CALLBACK);
    CHECK(mxg_set_error(5, "five") == MXG_ERR_CALLBACK);
    CHECK(mxg_set_error(-99, NULL) == MXG_ERR_CALLBACK);
    CHECK(strcmp(mxg_last_type(), "CallbackError") == 0);

    for (i = 0; i + 2 < sizeof text; i += 2) /* long, of characters with two bytes */
        memcpy(text + i, "\xc3\xb6", 2);
    text[i] = 0;
    mxg_set_error(MXG_ERR_VALUE, text);
    CHECK(strlen(mxg_last_error()) == 1022 && strncmp(mxg_last_error(), text, 1022) == 0);
    mxg_set_error(MXG_ERR_VALUE, mxg_last_error()); /* its own text */
    CHECK(strlen(mxg_last_error()) == 1022);
}

/* A name that is far longer than a message. */
static void long_names(void)
{
    static char name[100000];
    mxg_op found;
    memset(name, 'n', sizeof name - 1);
    FAILS(MXG_ERR_NOTFOUND, mxg_op_find(name, &found));
    CHECK(strlen(mxg_last_error()) == 1023);
}

int main(void)
{
    nothing_failed_yet();
    versions();
    RUN(info);
    RUN(every_status);
    RUN(names);
    RUN(last_error_stays);
    RUN(tracebacks);
    RUN(set_error);
    RUN(long_names);
    return 0;
}
