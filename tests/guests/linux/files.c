/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that runs programs, and maps code, of files that it names in other ways than by a whole path: from
 * its folder, by descriptors that were copied and inherited, below a folder's descriptor, moved afterwards. It says "at
 * ADDRESS" of each place of the code. tests/cli/programs-files.sh compares.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 4096

typedef unsigned Work(unsigned n);

static void call(char *code) {
    printf("at %p\n", (void *)(code + OFFSET));
    fflush(stdout);
    ((Work *)(void *)(code + OFFSET))(5000);
}

/* Of /lib/libwork.so, by a descriptor that the parent has opened. */
static void map_and_move(int fd) {
    char *code = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    char *room = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED || room == MAP_FAILED)
        perror("mmap");
    call(code);
    code = mremap(code, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    if (code != room)
        perror("mremap");
    call(code);
}

int main(void) {
    char *nobody[] = {"one", NULL}, *library_path[] = {"LD_LIBRARY_PATH=../lib", NULL};
    if (fork() == 0) {
        if (chdir("bin"))
            perror("bin");
        execle("./moved", "moved", NULL, library_path);
        perror("moved");
        _exit(1);
    }
    wait(NULL);
    int one = open("/bin/one", O_RDONLY), copy = dup(one), other = open("/bin/moved", O_RDONLY);
    dup2(other, one); /* its number is another file's from now on */
    if (vfork() == 0) {
        fexecve(copy, nobody, library_path);
        _exit(1);
    }
    wait(NULL);
    int folder = open("/lib", O_RDONLY | O_DIRECTORY), library = openat(folder, "libwork.so", O_RDONLY);
    int kept = fcntl(library, F_DUPFD_CLOEXEC, 50);
    if (fork() == 0) {
        map_and_move(kept);
        _exit(0);
    }
    wait(NULL);
    reboot(RB_POWER_OFF);
    return 1;
}
