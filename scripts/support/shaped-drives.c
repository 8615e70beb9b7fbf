// A preloaded library that holds folders to so many bytes a second, as drives of that speed would: reads and writes each, for
// all processes together (the state is a file that they share). $SHAPED_FOLDERS (between colons), $SHAPED_BYTES_PER_S,
// $SHAPED_STATE. A call waits until its bytes would have passed; nothing that was not used is saved.
//
// Calls are those by which libuv and SQLite move bytes of files. Paths must be absolute. Memory that is mapped passes by, as the
// page cache does; syncs cost nothing of their own.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FOLDERS_MAX 256

// When a drive is free again, in nanoseconds of the monotonic clock, which all processes share.
struct state {
  _Atomic int64_t free_at[FOLDERS_MAX][2];
};

static const char *folders;
static double bytes_per_ns;
static struct state *state;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SHAPED_STATE"), *rate = getenv("SHAPED_BYTES_PER_S");
  folders = getenv("SHAPED_FOLDERS");
  if (path == NULL || rate == NULL || folders == NULL) return;
  bytes_per_ns = atof(rate) / 1e9;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(struct state)) != 0) abort();
  void *found = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (found == MAP_FAILED) abort();
  state = found;
  close(fd);
}

static int folder_of(const char *path) {
  int nth = 0;
  for (const char *folder = folders; *folder != 0 && nth < FOLDERS_MAX; nth += 1) {
    size_t length = strcspn(folder, ":");
    int is_same = length > 0 && strncmp(path, folder, length) == 0;
    if (is_same && (path[length] == 0 || path[length] == '/')) return nth;
    folder += length;
    if (*folder == ':') folder += 1;
  }
  return -1;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pass(int fd, int is_write, ssize_t bytes) {
  if (state == NULL || bytes <= 0) return;
  int error = errno;
  char link[64], path[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX);
  path[length > 0 ? length : 0] = 0;
  int folder = folder_of(path);
  if (folder >= 0) {
    _Atomic int64_t *free_at = &state->free_at[folder][is_write];
    int64_t cost = (int64_t)((double)bytes / bytes_per_ns), before = atomic_load(free_at), until;
    do {
      int64_t now = now_ns();
      until = (before > now ? before : now) + cost;
    } while (!atomic_compare_exchange_weak(free_at, &before, until));
    struct timespec wake = {until / 1000000000, until % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR);
  }
  errno = error;
}

// One line a call: its name, its parameters, its arguments, and whether it writes.
#define SHAPED(name, parameters, arguments, is_write)                                       \
  ssize_t name parameters {                                                                 \
    static __typeof__(name) *real;                                                          \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);                   \
    ssize_t bytes = real arguments;                                                         \
    pass(fd, is_write, bytes);                                                              \
    return bytes;                                                                           \
  }

SHAPED(pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at), 0)
SHAPED(pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at), 1)
SHAPED(preadv64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), 0)
SHAPED(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), 1)
