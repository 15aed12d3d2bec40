/* A clock that is wrong by as many seconds as the file says that WRONG_CLOCK names. Only what time of day it is is wrong, as when somebody
   sets the clock of a machine: durations are not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long wrong_by(void) {
    int before = errno;
    long seconds = 0;
    const char *at = getenv("WRONG_CLOCK");
    int file = at ? open(at, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        char text[32] = "";
        if (read(file, text, sizeof text - 1) > 0)
            seconds = atol(text);
        close(file);
    }
    errno = before;
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += wrong_by();
    return done;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    int done = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return done;
}
time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}
