// A preloaded library that makes folders hang as a disk does that no longer answers: while the file $HANG_FLAG exists,
// every file call whose path or descriptor lies below one of $HANG_FOLDERS (between colons) waits. When the flag is gone the calls go on, as if
// nothing had happened. Memory that is mapped (SQLite's -shm) stays reachable, as the page cache does.
//
// Calls are those that libuv and SQLite make, found with `nm -D --undefined-only`. Paths must be absolute.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *folders, *flag;

__attribute__((constructor)) static void begin(void) {
  folders = getenv("HANG_FOLDERS");
  flag = getenv("HANG_FLAG");
}

static void *real_of(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

// The real function of this name, looked up once.
#define REAL(name)                                                  \
  static __typeof__(name) *real;                                    \
  if (real == NULL) real = (__typeof__(name) *)real_of(#name)

static int is_hanging(void) {
  static int (*real)(const char *, int);
  if (folders == NULL || flag == NULL) return 0;
  if (real == NULL) real = (int (*)(const char *, int))real_of("access");
  return real(flag, F_OK) == 0;
}

static void wait_while_hanging(void) {
  struct timespec pause = {0, 20 * 1000 * 1000};
  while (is_hanging()) nanosleep(&pause, NULL);
}

static int is_below(const char *path) {
  for (const char *folder = folders; *folder != 0;) {
    size_t length = strcspn(folder, ":");
    int is_same = length > 0 && strncmp(path, folder, length) == 0;
    if (is_same && (path[length] == 0 || path[length] == '/')) return 1;
    folder += length;
    if (*folder == ':') folder += 1;
  }
  return 0;
}

static void hold_path(const char *path) {
  int error = errno;
  if (path != NULL && is_hanging() && is_below(path)) wait_while_hanging();
  errno = error;
}

static void hold_fd(int fd) {
  int error = errno;
  if (is_hanging()) {
    char link[64], path[PATH_MAX + 1];
    static ssize_t (*real)(const char *, char *, size_t);
    if (real == NULL) real = (ssize_t (*)(const char *, char *, size_t))real_of("readlink");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = real(link, path, PATH_MAX);
    if (length > 0) {
      path[length] = 0;
      hold_path(path);
    }
  }
  errno = error;
}

// One line a call: its result, its name, its parameters, its arguments, and what it is held by.
#define HELD(type, name, parameters, arguments, held) \
  type name parameters {                              \
    REAL(name);                                       \
    held;                                             \
    return real arguments;                            \
  }

HELD(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size), hold_fd(fd))
HELD(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size), hold_fd(fd))
HELD(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count), hold_fd(fd))
HELD(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), hold_fd(fd))
HELD(ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at), hold_fd(fd))
HELD(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at),
     hold_fd(fd))
HELD(ssize_t, preadv64, (int fd, const struct iovec *parts, int count, off64_t at),
     (fd, parts, count, at), hold_fd(fd))
HELD(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at),
     (fd, parts, count, at), hold_fd(fd))
HELD(int, fsync, (int fd), (fd), hold_fd(fd))
HELD(int, fdatasync, (int fd), (fd), hold_fd(fd))
HELD(int, ftruncate64, (int fd, off64_t size), (fd, size), hold_fd(fd))
HELD(int, fchmod, (int fd, mode_t mode), (fd, mode), hold_fd(fd))
HELD(int, fstat64, (int fd, struct stat64 *to), (fd, to), hold_fd(fd))
HELD(int, stat64, (const char *path, struct stat64 *to), (path, to), hold_path(path))
HELD(int, lstat64, (const char *path, struct stat64 *to), (path, to), hold_path(path))
HELD(int, statfs64, (const char *path, struct statfs64 *to), (path, to), hold_path(path))
HELD(int, access, (const char *path, int mode), (path, mode), hold_path(path))
HELD(ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size), hold_path(path))
HELD(int, unlink, (const char *path), (path), hold_path(path))
HELD(int, rmdir, (const char *path), (path), hold_path(path))
HELD(int, mkdir, (const char *path, mode_t mode), (path, mode), hold_path(path))
HELD(int, rename, (const char *from, const char *to), (from, to), (hold_path(from), hold_path(to)))
HELD(int, link, (const char *from, const char *to), (from, to), (hold_path(from), hold_path(to)))
HELD(DIR *, opendir, (const char *path), (path), hold_path(path))
HELD(int, scandir64,
     (const char *path, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
      int (*compare)(const struct dirent64 **, const struct dirent64 **)),
     (path, list, filter, compare), hold_path(path))

int open64(const char *path, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  hold_path(path);
  return real(path, flags, mode);
}

// Locks of SQLite are calls to the file system too.
int fcntl64(int fd, int command, ...) {
  REAL(fcntl64);
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) hold_fd(fd);
  return real(fd, command, argument);
}

// libuv's stat.
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (real == NULL) real = (long (*)(long, ...))real_of("syscall");
  va_list rest;
  va_start(rest, number);
  long given[6];
  for (int index = 0; index < 6; index += 1) given[index] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_statx) {
    const char *path = (const char *)given[1];
    if (path != NULL && path[0] != 0) hold_path(path);
    else hold_fd((int)given[0]);
  }
  return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
