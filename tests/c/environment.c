/* The library starts in any environment, leaves the process as it was, and prints nothing.
 *
 *     environment works                 it starts and computes
 *     environment malloc                the same with MXG_INIT_MALLOC
 *     environment fails TEXT            it cannot start, and says TEXT
 *     environment options PYTHON TEXT   the same with that path in mxg_options
 */
#include "check.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>

extern char **environ;

static void on_signal(int number)
{
    (void)number;
}

static int open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    int n = 0;
    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        char path[300], file[4096] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        if (readlink(path, file, sizeof file - 1) < 0)
            file[0] = 0;
        n += strstr(file, "/libffi.so") == NULL; /* which keeps itself open, from 3.5 on */
    }
    closedir(directory);
    return n;
}

/* What a library could change behind the program's back. */
typedef struct {
    struct sigaction interrupt, pipe, terminate, child, floating;
    char locale[1024], directory[4096], *variables[256];
    int files;
    mode_t mask;
    sigset_t blocked;
} surroundings;

static void look(surroundings *s)
{
    int i;
    memset(s, 0, sizeof *s);
    sigaction(SIGINT, NULL, &s->interrupt);
    sigaction(SIGPIPE, NULL, &s->pipe);
    sigaction(SIGTERM, NULL, &s->terminate);
    sigaction(SIGCHLD, NULL, &s->child);
    sigaction(SIGFPE, NULL, &s->floating);
    sigprocmask(SIG_SETMASK, NULL, &s->blocked);
    snprintf(s->locale, sizeof s->locale, "%s", setlocale(LC_ALL, NULL));
    if (getcwd(s->directory, sizeof s->directory) == NULL)
        strcpy(s->directory, "none");
    for (i = 0; environ[i] != NULL && i < LENGTH(s->variables); i++)
        s->variables[i] = environ[i];
    s->files = open_files();
    s->mask = umask(0);
    umask(s->mask);
}

static void check_untouched(const surroundings *a, const surroundings *b)
{
    CHECK(a->interrupt.sa_handler == b->interrupt.sa_handler);
    CHECK(a->interrupt.sa_flags == b->interrupt.sa_flags);
    CHECK(a->pipe.sa_handler == b->pipe.sa_handler);
    CHECK(a->terminate.sa_handler == b->terminate.sa_handler);
    CHECK(a->child.sa_handler == b->child.sa_handler);
    CHECK(a->floating.sa_handler == b->floating.sa_handler);
    CHECK(memcmp(&a->blocked, &b->blocked, sizeof a->blocked) == 0);
    CHECK(strcmp(a->locale, b->locale) == 0);
    CHECK(strcmp(a->directory, b->directory) == 0);
    CHECK(memcmp(a->variables, b->variables, sizeof a->variables) == 0);
    CHECK(a->files == b->files);
    CHECK(a->mask == b->mask);
}

static void compute(void)
{
    mxg_ndarray x = VARIABLE(1, 2), y, g;
    int64_t scope = record();
    y = apply2("multiply", x, x);
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    g = grad(x);
    VALUES(g, 2, 4);
    FREE(x, y, g);
}

/* The start fails, and from then on every call, with the same text. */
static void fails(const mxg_options *options, const char *text)
{
    char first[1024];
    int64_t count;
    FAILS(MXG_ERR_INIT, mxg_init(options));
    SAYS(text);
    snprintf(first, sizeof first, "%s", mxg_last_error());
    mxg_set_error(MXG_ERR_VALUE, "another");
    FAILS(MXG_ERR_INIT, mxg_live(0, &count));
    CHECK(strcmp(mxg_last_error(), first) == 0);
    FAILS(MXG_ERR_INIT, mxg_init(NULL)); /* no second try */
    OK(mxg_ndarray_free(NULL));
    CHECK(strcmp(mxg_last_error(), first) == 0);
}

int main(int argc, char **argv)
{
    mxg_options options = {sizeof options, 0, NULL};
    surroundings before, after;

    if (getenv("LANG") != NULL)
        setlocale(LC_ALL, "");
    signal(SIGINT, on_signal);
    signal(SIGPIPE, on_signal);
    umask(027);
    look(&before);
    if (argc == 2 && strcmp(argv[1], "works") == 0) {
        OK(mxg_init(NULL));
        OK(mxg_init(&options)); /* does nothing */
        compute();
    } else if (argc == 2 && strcmp(argv[1], "malloc") == 0) {
        options.flags = MXG_INIT_MALLOC;
        OK(mxg_init(&options));
        compute();
    } else if (argc == 3 && strcmp(argv[1], "fails") == 0)
        fails(NULL, argv[2]);
    else if (argc == 4 && strcmp(argv[1], "options") == 0) {
        options.python = argv[2];
        fails(&options, argv[3]);
    } else
        return 2;
    look(&after);
    check_untouched(&before, &after);
    return 0;
}
