/* Loaded into a program by LD_PRELOAD: its wall clock is the machine's plus as many nanoseconds as the file says that
   SOAK_CLOCK names (a signed 64-bit number, read anew each time). What only runs forward stays as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);
static volatile int64_t *step;

__attribute__((constructor)) static void open_step(void) {
    const char *path = getenv("SOAK_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) step = page;
}

int clock_gettime(clockid_t which, struct timespec *at) {
    if (!real) open_step();
    int failed = real(which, at);
    if (failed || !step || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return failed;
    int64_t ns = at->tv_nsec + *step % 1000000000, s = at->tv_sec + *step / 1000000000;
    if (ns < 0) { ns += 1000000000; s -= 1; }
    if (ns >= 1000000000) { ns -= 1000000000; s += 1; }
    at->tv_sec = s;
    at->tv_nsec = ns;
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
