/* Counts what a program asks of the system to change files below one folder, and has one of these calls fail.

   Loaded by LD_PRELOAD, armed from Python by kb_arm; until then every call goes through. Nothing is synchronized for
   real while it is armed, because a test asks whether that was asked for, and in what order. 64-bit Linux.
*/
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, ONCE, FULL, FROZEN, KILL, INTERRUPT, SHORT, TORN }; /* forking.py names them */
enum { MOST = 65536, PATH = 4096 };

struct told { /* shared with the children that are forked */
    long calls;
    char kinds[MOST]; /* a letter a call: c close, h chmod, i open to read, k lock, l link, m mkdir, o open to write,
                         r rename, s fsync, t truncate, u unlink, w write */
    char struck[2 * PATH];
};

static struct told *told;
static char root[PATH];
static size_t root_length;
static int is_armed, counts_reading, mode, error_number, log_handle = -1;
static long at;

__attribute__((constructor)) static void begin(void) {
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

struct told *kb_told(void) { return told; }

void kb_arm(const char *folder, int how, long number, int error, int reads, int log) {
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    mode = how, at = number, error_number = error, counts_reading = reads, log_handle = log;
    memset(told, 0, sizeof *told);
    is_armed = 1;
}

static int is_below(const char *path) {
    return is_armed && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static const char *of_handle(int handle, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH - 1);
    path[length < 0 ? 0 : length] = 0;
    return path;
}

static const char *of_name(int folder, const char *name, char *path) {
    if (*name == '/') {
        snprintf(path, PATH, "%s", name);
    } else {
        char above[PATH];
        if (folder == AT_FDCWD)
            above[syscall(SYS_getcwd, above, PATH) < 0 ? 0 : strlen(above)] = 0;
        else
            of_handle(folder, above);
        snprintf(path, PATH, "%.2000s/%.2000s", above, name);
    }
    return path;
}

/* Count a call on a path and say what becomes of it: 0 it goes through, -1 it fails, 1 it writes a half. */
static int strike(char kind, const char *path) {
    if (!is_below(path))
        return 0;
    long number = ++told->calls;
    if (number < MOST)
        told->kinds[number - 1] = kind;
    if (mode == COUNT || number < at)
        return 0;
    int is_later = number > at;
    if (is_later && (mode == FULL ? strchr("uikc", kind) : mode == FROZEN ? strchr("ikc", kind) : "once"))
        return 0; /* a full disk lets one remove, one that is read-only by now lets one read and lock */
    if (!is_later)
        snprintf(told->struck, sizeof told->struck, "%c %s", kind, path);
    if (mode == KILL)
        kill(getpid(), SIGKILL);
    if (mode == INTERRUPT)
        return kill(getpid(), SIGINT);
    if (mode == SHORT || mode == TORN)
        return kind == 'w';
    errno = error_number;
    return -1;
}

static void put(const void *data, size_t size) { syscall(SYS_write, log_handle, data, size); }

/* Write down a call that went through, and what the file of handle holds now. */
static void record(char kind, const char *path, const char *other, int handle) {
    if (log_handle < 0 || !(is_below(path) || (other && is_below(other))) || strstr(path, "kb.sqlite"))
        return; /* what becomes of its own files SQLite knows best */
    int saved = errno;
    struct stat found = {0};
    char *content = NULL;
    ssize_t size = 0;
    if (handle >= 0 ? !fstat(handle, &found) : !lstat(other ? other : path, &found)) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        const char *name = handle >= 0 ? link : other ? other : path;
        int again = S_ISREG(found.st_mode) ? syscall(SYS_openat, AT_FDCWD, name, O_RDONLY) : -1;
        if (again >= 0) {
            content = malloc(found.st_size + 1);
            size = syscall(SYS_pread64, again, content, found.st_size, 0L);
            syscall(SYS_close, again);
        }
    }
    char head[128];
    snprintf(head, sizeof head, "%c %d %ld %zu %zu %zd\n", kind, S_ISDIR(found.st_mode), (long)found.st_ino,
             strlen(path), other ? strlen(other) : 0, size);
    put(head, strlen(head));
    put(path, strlen(path));
    if (other)
        put(other, strlen(other));
    put(content, size);
    free(content);
    errno = saved;
}

static int opened(int folder, const char *name, int flags, mode_t permissions) {
    char path[PATH];
    int changes = is_armed && ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC));
    if (is_armed && (changes || counts_reading) && strike(changes ? 'o' : 'i', of_name(folder, name, path)) < 0)
        return -1;
    int handle = syscall(SYS_openat, folder, name, flags, permissions);
    if (changes && handle >= 0 && (flags & O_TMPFILE) != O_TMPFILE) /* that has no name yet */
        record('o', path, NULL, handle);
    return handle;
}

#define PERMISSIONS                                                                                                    \
    mode_t permissions = 0;                                                                                            \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        permissions = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
    }

int open(const char *name, int flags, ...) {
    PERMISSIONS return opened(AT_FDCWD, name, flags, permissions);
}
int open64(const char *name, int flags, ...) {
    PERMISSIONS return opened(AT_FDCWD, name, flags, permissions);
}
int openat(int folder, const char *name, int flags, ...) {
    PERMISSIONS return opened(folder, name, flags, permissions);
}
int openat64(int folder, const char *name, int flags, ...) {
    PERMISSIONS return opened(folder, name, flags, permissions);
}

static int strike_handle(char kind, int handle, char *path) {
    return is_armed ? strike(kind, of_handle(handle, path)) : 0;
}

static ssize_t wrote(ssize_t done, int handle, const char *path) {
    if (is_armed) {
        if (mode == TORN && told->calls == at && is_below(path))
            kill(getpid(), SIGKILL);
        if (done >= 0)
            record('w', path, NULL, handle);
    }
    return done;
}

ssize_t write(int handle, const void *data, size_t size) {
    char path[PATH];
    int fate = strike_handle('w', handle, path);
    return fate < 0 ? -1 : wrote(syscall(SYS_write, handle, data, fate ? (size + 1) / 2 : size), handle, path);
}
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t place) {
    char path[PATH];
    int fate = strike_handle('w', handle, path);
    return fate < 0 ? -1 : wrote(syscall(SYS_pwrite64, handle, data, fate ? (size + 1) / 2 : size, place), handle, path);
}
ssize_t pwrite(int handle, const void *data, size_t size, off_t place) { return pwrite64(handle, data, size, place); }
ssize_t writev(int handle, const struct iovec *parts, int count) {
    char path[PATH];
    int fate = strike_handle('w', handle, path);
    return fate < 0 ? -1 : wrote(syscall(SYS_writev, handle, parts, fate ? (count + 1) / 2 : count), handle, path);
}

static int synced(int handle, long call) {
    char path[PATH];
    if (strike_handle('s', handle, path) < 0)
        return -1;
    if (!is_armed)
        return syscall(call, handle);
    record('s', path, NULL, handle);
    return 0;
}
int fsync(int handle) { return synced(handle, SYS_fsync); }
int fdatasync(int handle) { return synced(handle, SYS_fdatasync); }

int ftruncate64(int handle, off64_t size) {
    char path[PATH];
    if (strike_handle('t', handle, path) < 0)
        return -1;
    int done = syscall(SYS_ftruncate, handle, size);
    if (is_armed && !done)
        record('w', path, NULL, handle);
    return done;
}
int ftruncate(int handle, off_t size) { return ftruncate64(handle, size); }

int close(int handle) {
    char path[PATH];
    int flags = is_armed ? (int)syscall(SYS_fcntl, handle, F_GETFL) : 0;
    int fate = is_armed && flags >= 0 && (flags & O_ACCMODE) != O_RDONLY ? strike_handle('c', handle, path) : 0;
    int done = syscall(SYS_close, handle);
    if (fate < 0)
        errno = error_number;
    return fate < 0 ? -1 : done;
}

int renameat2(int folder, const char *name, int other_folder, const char *other_name, unsigned flags) {
    char path[PATH], other[PATH];
    of_name(folder, name, path);
    of_name(other_folder, other_name, other);
    if (is_armed && strike('r', is_below(other) ? other : path) < 0)
        return -1;
    int done = syscall(SYS_renameat2, folder, name, other_folder, other_name, flags);
    if (!done)
        record('r', path, other, -1);
    return done;
}
int rename(const char *name, const char *other) { return renameat2(AT_FDCWD, name, AT_FDCWD, other, 0); }
int renameat(int folder, const char *name, int other_folder, const char *other) {
    return renameat2(folder, name, other_folder, other, 0);
}

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH];
    if (is_armed && strike('u', of_name(folder, name, path)) < 0)
        return -1;
    int done = syscall(SYS_unlinkat, folder, name, flags);
    if (is_armed && !done)
        record('u', path, NULL, -1);
    return done;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t permissions) {
    char path[PATH];
    if (is_armed && strike('m', of_name(folder, name, path)) < 0)
        return -1;
    int done = syscall(SYS_mkdirat, folder, name, permissions);
    if (is_armed && !done)
        record('m', path, NULL, -1);
    return done;
}
int mkdir(const char *name, mode_t permissions) { return mkdirat(AT_FDCWD, name, permissions); }

int linkat(int folder, const char *name, int other_folder, const char *other_name, int flags) {
    char other[PATH];
    if (is_armed && strike('l', of_name(other_folder, other_name, other)) < 0)
        return -1;
    int done = syscall(SYS_linkat, folder, name, other_folder, other_name, flags);
    if (is_armed && !done)
        record('l', other, NULL, -1);
    return done;
}
int link(const char *name, const char *other) { return linkat(AT_FDCWD, name, AT_FDCWD, other, 0); }
int symlinkat(const char *target, int folder, const char *name) {
    char path[PATH];
    if (is_armed && strike('l', of_name(folder, name, path)) < 0)
        return -1;
    return syscall(SYS_symlinkat, target, folder, name);
}
int symlink(const char *target, const char *name) { return symlinkat(target, AT_FDCWD, name); }

int fchmod(int handle, mode_t permissions) {
    char path[PATH];
    return strike_handle('h', handle, path) < 0 ? -1 : (int)syscall(SYS_fchmod, handle, permissions);
}
int chmod(const char *name, mode_t permissions) {
    char path[PATH];
    if (is_armed && strike('h', of_name(AT_FDCWD, name, path)) < 0)
        return -1;
    return syscall(SYS_fchmodat, AT_FDCWD, name, permissions);
}

int flock(int handle, int operation) {
    char path[PATH];
    if (!(operation & LOCK_UN) && strike_handle('k', handle, path) < 0)
        return -1;
    return syscall(SYS_flock, handle, operation);
}

int fcntl64(int handle, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    char path[PATH];
    int locks = command == F_SETLK || command == F_SETLKW;
    if (locks && ((struct flock *)argument)->l_type != F_UNLCK && strike_handle('k', handle, path) < 0)
        return -1;
    return syscall(SYS_fcntl, handle, command, argument);
}
int fcntl(int handle, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return fcntl64(handle, command, argument);
}
