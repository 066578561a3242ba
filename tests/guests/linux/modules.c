/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that loads modules of its kernel, removes one, loads another one where that was, and the first one
 * again; each time it says where the module's code lies: "now WHAT .text ADDRESS". tests/cli/modules.sh compares.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static void load(const char *what, const char *name) {
    char path[64], address[32] = "";
    snprintf(path, sizeof path, "/%s.ko", name);
    printf("loading %s\n", what);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
        perror(path);
    close(fd);
    snprintf(path, sizeof path, "/sys/module/%s/sections/.text", name);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%31s", address) != 1)
        perror(path);
    if (f)
        fclose(f);
    printf("now %s .text %s\n", what, address);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    load("first", "xor");
    if (syscall(SYS_delete_module, "xor", O_NONBLOCK))
        perror("delete_module");
    puts("removed");
    load("other", "raid6_pq");
    load("again", "xor");
    reboot(RB_POWER_OFF);
    return 1;
}
