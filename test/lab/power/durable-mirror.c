// A preloaded library that keeps, beside a folder, a mirror of what of it is durable: the bytes of a file as they were at
// its last fsync (or written through O_SYNC or O_DSYNC), the names in a folder as they were at the folder's last fsync.
// After the process is killed, the lab rebuilds the folder from the mirror: that is what a power cut may leave. Strict
// POSIX; real file systems are often kinder. It can also kill its process at the n-th call that changes the folder.
//
// Environment: LAB_ROOT the folder, LAB_MIRROR the mirror, LAB_NEXT the first free number, LAB_CRASH_AT n, or 0;
// LAB_CRASH_NAME the end of a path: the process is killed when that file was created, before it is noted.
// In the mirror: `known` (inode and number of what is there), `c/NUMBER` (durable bytes), `log` (P: a path that is about
// to be created, in place of one before it; N: a new file or folder, with which P is over; D: the names of a folder). Of
// what P names the inode is not known, and may have been another file's. Bytes written by mmap count never (SQLite's
// -shm alone is, and needs to survive nothing). sync_file_range, syncfs and msync are ignored: nothing relies on them.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS (1 << 18)
#define FDS 65536
#define COPY_BYTES (256 * 1024)

// What is known of an inode; a file created on a freed inode takes its slot over, with a new number.
struct node {
  ino_t inode;
  long number;
  off_t dirty_from, dirty_to;
};

static struct node nodes[SLOTS];
static struct node *open_nodes[FDS];
static char synchronous[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *root, *mirror, *crash_name;
static size_t root_length;
static dev_t root_device;
static int log_fd = -1;
static long next_number = 2, crash_at, calls;
static char copy_buffer[COPY_BYTES];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

static void give_up(const char *what) {
  fprintf(stderr, "durable-mirror: %s: %s\n", what, strerror(errno));
  abort();
}

static struct node *slot_of(ino_t inode) {
  size_t at = (inode * 0x9e3779b97f4a7c15ull) >> 46;
  for (;; at = (at + 1) % SLOTS)
    if (nodes[at].number == 0 || nodes[at].inode == inode) return &nodes[at];
}

static void load_known(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s/known", mirror);
  FILE *known = fopen(path, "r");
  if (known == NULL) give_up(path);
  unsigned long inode;
  long number;
  while (fscanf(known, "%lu %ld", &inode, &number) == 2)
    *slot_of(inode) = (struct node){.inode = inode, .number = number};
  fclose(known);
}

static void start(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_openat = dlsym(RTLD_NEXT, "openat64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  root = getenv("LAB_ROOT");
  mirror = getenv("LAB_MIRROR");
  if (root == NULL || mirror == NULL) return;
  root_length = strlen(root);
  struct stat found;
  if (stat(root, &found) != 0) give_up(root);
  root_device = found.st_dev;
  if (getenv("LAB_NEXT") != NULL) next_number = atol(getenv("LAB_NEXT"));
  if (getenv("LAB_CRASH_AT") != NULL) crash_at = atol(getenv("LAB_CRASH_AT"));
  crash_name = getenv("LAB_CRASH_NAME");
  char path[4096];
  snprintf(path, sizeof path, "%s/log", mirror);
  log_fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) give_up(path);
  load_known();
}

static int is_ours(const char *path) {
  pthread_once(&once, start);
  return log_fd >= 0 && path != NULL && strncmp(path, root, root_length) == 0 &&
         (path[root_length] == '/' || path[root_length] == 0);
}

// Counts a call that changes something; the one that was chosen never happens.
static void count_call(void) {
  if (__sync_add_and_fetch(&calls, 1) == crash_at) kill(getpid(), SIGKILL);
}

// Asks what is open there now: node closes its files by system call, and the number may be a socket's since.
static struct node *node_of(int fd) {
  pthread_once(&once, start);
  struct node *node = log_fd >= 0 && fd >= 0 && fd < FDS ? open_nodes[fd] : NULL;
  struct stat found;
  if (node == NULL || fstat(fd, &found) != 0) return NULL;
  if (found.st_ino != node->inode || found.st_dev != root_device) return NULL;
  return S_ISREG(found.st_mode) || S_ISDIR(found.st_mode) ? node : NULL;
}

// One write: what a killed process leaves of a record is whole, or lacks its end.
static void append_log(const char *text, size_t length) {
  if (real_write(log_fd, text, length) != (ssize_t)length) give_up("log");
}

// Of the folder itself: nothing is.
static void note_pending(const char *path) {
  char line[4200];
  int length = snprintf(line, sizeof line, "P %s\n", path + root_length);
  append_log(line, (size_t)length);
}

static void crash_if_named(const char *path) {
  size_t length = strlen(path), name_length = crash_name == NULL ? 0 : strlen(crash_name);
  if (name_length == 0 || length < name_length) return;
  if (strcmp(path + length - name_length, crash_name) == 0) kill(getpid(), SIGKILL);
}

static struct node *note_new(ino_t inode) {
  struct node *node = slot_of(inode);
  *node = (struct node){.inode = inode, .number = next_number++};
  char line[64];
  int length = snprintf(line, sizeof line, "N %lu %ld\n", (unsigned long)inode, node->number);
  append_log(line, (size_t)length);
  return node;
}

static void note_open(int fd, const char *path, int flags, int existed) {
  struct stat found;
  if (fd < 0 || fd >= FDS || fstat(fd, &found) != 0) return;
  struct node *node = slot_of(found.st_ino);
  if (node->number == 0 || !existed) node = note_new(found.st_ino);
  if (flags & O_TRUNC) node->dirty_from = 0;
  open_nodes[fd] = node;
  synchronous[fd] = (flags & (O_SYNC | O_DSYNC)) != 0;
  (void)path;
}

static void touch(struct node *node, off_t from, off_t to) {
  pthread_mutex_lock(&lock);
  if (node->dirty_to == 0 || from < node->dirty_from) node->dirty_from = from;
  if (to > node->dirty_to) node->dirty_to = to;
  pthread_mutex_unlock(&lock);
}

static void copy_file(int from_fd, struct node *node, off_t size) {
  char path[4096];
  snprintf(path, sizeof path, "%s/c/%ld", mirror, node->number);
  int to = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  // The file's own descriptor may be open for writing alone.
  char own[64];
  snprintf(own, sizeof own, "/proc/self/fd/%d", from_fd);
  int from = real_open(own, O_RDONLY | O_CLOEXEC);
  if (to < 0 || from < 0) give_up(path);
  off_t end = node->dirty_to < size ? node->dirty_to : size;
  for (off_t at = node->dirty_from; at < end;) {
    size_t wanted = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
    ssize_t got = pread(from, copy_buffer, wanted, at);
    if (got < 0) give_up("reading what is to be durable");
    if (got == 0) break;
    if (real_pwrite(to, copy_buffer, (size_t)got, at) != got) give_up(path);
    at += got;
  }
  if (real_ftruncate(to, size) != 0) give_up(path);
  real_close(from);
  real_close(to);
  node->dirty_from = node->dirty_to = 0;
}

static void copy_names(int fd, struct node *node) {
  int own = real_openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = own < 0 ? NULL : fdopendir(own);
  char *text = NULL;
  size_t length = 0;
  FILE *record = open_memstream(&text, &length);
  if (folder == NULL || record == NULL) give_up("reading a folder");
  fprintf(record, "D %ld\n", node->number);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat found;
    if (fstatat(own, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    struct node *child = slot_of(found.st_ino);
    if (child->number == 0) child = note_new(found.st_ino);
    fprintf(record, "E %ld %c %s\n", child->number, S_ISDIR(found.st_mode) ? 'd' : 'f',
            entry->d_name);
  }
  fprintf(record, "F %ld\n", node->number);
  fclose(record);
  append_log(text, length);
  free(text);
  closedir(folder);
}

static void make_durable(int fd, struct node *node) {
  struct stat found;
  pthread_mutex_lock(&lock);
  // Its size is asked for under the lock: one from before would cut off what another thread made durable meanwhile.
  if (fstat(fd, &found) != 0) give_up("fstat");
  if (S_ISDIR(found.st_mode)) copy_names(fd, node);
  else copy_file(fd, node, found.st_size);
  pthread_mutex_unlock(&lock);
}

static ssize_t wrote(int fd, struct node *node, off_t at, ssize_t count) {
  if (count > 0) touch(node, at, at + count);
  if (count > 0 && synchronous[fd]) make_durable(fd, node);
  return count;
}

static int open_foreign(int folder, const char *path, int flags, mode_t mode) {
  int fd = real_openat(folder, path, flags, mode);
  if (fd >= 0 && fd < FDS) open_nodes[fd] = NULL;
  return fd;
}

static int open_ours(int folder, const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) return open_foreign(folder, path, flags, mode);
  int creates = (flags & O_CREAT) != 0;
  pthread_mutex_lock(&lock);
  struct stat found;
  int existed = !creates || lstat(path, &found) == 0;
  if (!existed) {
    count_call();
    note_pending(path);
  }
  int fd = real_openat(folder, path, flags, mode);
  int saved = errno;
  if (!existed && fd >= 0) crash_if_named(path);
  if (!existed && fd < 0) note_pending(root);
  note_open(fd, path, flags, existed);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return fd;
}

#define MODE(flags, mode)                 \
  mode_t mode = 0;                        \
  if ((flags) & (O_CREAT | O_TMPFILE)) {  \
    va_list list;                         \
    va_start(list, flags);                \
    mode = va_arg(list, mode_t);          \
    va_end(list);                         \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, mode)
  pthread_once(&once, start);
  return open_ours(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, mode)
  pthread_once(&once, start);
  return open_ours(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE(flags, mode)
  pthread_once(&once, start);
  return open_ours(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags, mode)
  pthread_once(&once, start);
  return open_ours(folder, path, flags, mode);
}

int close(int fd) {
  pthread_once(&once, start);
  if (fd >= 0 && fd < FDS) open_nodes[fd] = NULL;
  return real_close(fd);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct node *node = node_of(fd);
  ssize_t count = real_write(fd, bytes, length);
  return node == NULL ? count : wrote(fd, node, lseek(fd, 0, SEEK_CUR) - count, count);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
  struct node *node = node_of(fd);
  ssize_t count = real_writev(fd, parts, number);
  return node == NULL ? count : wrote(fd, node, lseek(fd, 0, SEEK_CUR) - count, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  struct node *node = node_of(fd);
  ssize_t count = real_pwrite(fd, bytes, length, at);
  return node == NULL ? count : wrote(fd, node, at, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite64(fd, bytes, length, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int number, off_t at) {
  struct node *node = node_of(fd);
  ssize_t count = real_pwritev(fd, parts, number, at);
  return node == NULL ? count : wrote(fd, node, at, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t at) {
  return pwritev64(fd, parts, number, at);
}

int ftruncate64(int fd, off_t size) {
  struct node *node = node_of(fd);
  struct stat found;
  if (node != NULL && fstat(fd, &found) == 0) {
    off_t from = size < found.st_size ? size : found.st_size;
    touch(node, from, (size > found.st_size ? size : found.st_size) + 1);
  }
  return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int sync_ours(int fd, int (*real)(int)) {
  struct node *node = node_of(fd);
  if (node == NULL) return real(fd);
  count_call();
  make_durable(fd, node);
  return 0;
}

int fsync(int fd) {
  pthread_once(&once, start);
  return sync_ours(fd, real_fsync);
}

int fdatasync(int fd) {
  pthread_once(&once, start);
  return sync_ours(fd, real_fdatasync);
}

int mkdir(const char *path, mode_t mode) {
  if (!is_ours(path)) return real_mkdir(path, mode);
  pthread_mutex_lock(&lock);
  count_call();
  struct stat found;
  if (lstat(path, &found) != 0) note_pending(path);
  int result = real_mkdir(path, mode);
  int saved = errno;
  if (result == 0 && lstat(path, &found) == 0) note_new(found.st_ino);
  else note_pending(root);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

int rename(const char *from, const char *to) {
  if (is_ours(from)) count_call();
  return real_rename(from, to);
}

int unlink(const char *path) {
  if (is_ours(path)) count_call();
  return real_unlink(path);
}
