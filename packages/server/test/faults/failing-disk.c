/* Preloaded into a process: makes the n-th write to, or sync of, a database file fail with a chosen error. What to do is
   in a file that both sides map (FAILING_DISK), as 32-bit numbers. Compiled by the test that uses it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITES, SYNCS };

static struct {
  int32_t countdown; /* the n-th from now fails; 0: none */
  int32_t error;
  int32_t stays; /* whether all after it fail as well */
  int32_t kind;
  int32_t fired;
} *control;

__attribute__((constructor)) static void attach(void) {
  const char *name = getenv("FAILING_DISK");
  int fd = name ? open(name, O_RDWR) : -1;
  if (fd < 0) return;
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
}

static int fails(int fd, int kind) {
  char link[64], path[4096];
  if (!control || control->countdown == 0 || control->kind != kind) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!strstr(path, "flaghoist.db")) return 0;
  if (control->countdown > 1) {
    control->countdown--;
    return 0;
  }
  control->fired++;
  if (!control->stays) control->countdown = 0;
  errno = control->error;
  return 1;
}

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

ssize_t write(int fd, const void *data, size_t size) {
  return fails(fd, WRITES) ? -1 : REAL(write, fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return fails(fd, WRITES) ? -1 : REAL(pwrite, fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return fails(fd, WRITES) ? -1 : REAL(pwrite64, fd, data, size, at);
}
int fsync(int fd) { return fails(fd, SYNCS) ? -1 : REAL(fsync, fd); }
int fdatasync(int fd) { return fails(fd, SYNCS) ? -1 : REAL(fdatasync, fd); }
