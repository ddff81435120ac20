/* Says yes where llama.cpp asks Linux for AMX, so that its kernels are chosen on a CPU without them too. Preload it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>

#define ARCH_REQ_XCOMP_PERM 0x1023

long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_arch_prctl && a == ARCH_REQ_XCOMP_PERM)
        return 0;
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    if (result < 0 && result >= -4095) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
