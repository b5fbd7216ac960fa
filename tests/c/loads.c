/* The library loaded at run time, privately, and "closed", three times: loads LIBRARY. */
#define _GNU_SOURCE
#include <mxgrad.h>

#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int i;
    for (i = 0; argc > 1 && i < 3; i++) {
        int (*scalar)(double, const char *, const char *, mxg_ndarray *);
        int (*live)(int32_t, int64_t *);
        int64_t count = -1;
        mxg_ndarray a;
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        *(void **)&scalar = dlsym(library, "mxg_ndarray_scalar");
        *(void **)&live = dlsym(library, "mxg_live");
        if (scalar(1, NULL, NULL, &a) != MXG_OK || live(1, &count) != MXG_OK || count != i + 1)
            return 2 + i;
        dlclose(library);
    }
    return 7;
}
