/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for code: one mapping that is writable and executable, or, where the host refuses that, the same
 * memory mapped twice.
 */
#include "tcg/x86_64/compiler.h"

#include <sys/mman.h>
#include <unistd.h>

bool code_buffer_init_twice(CodeBuffer *buffer, size_t size) {
    int fd = memfd_create("rr-emu code", MFD_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    uint8_t *exec = MAP_FAILED, *write = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0) {
        exec = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
        write = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (exec != MAP_FAILED && write != MAP_FAILED) {
        *buffer = (CodeBuffer){exec, size, write - exec};
        return true;
    }
    if (exec != MAP_FAILED) {
        munmap(exec, size);
    }
    if (write != MAP_FAILED) {
        munmap(write, size);
    }
    return false;
}

bool code_buffer_init(CodeBuffer *buffer, size_t size) {
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return code_buffer_init_twice(buffer, size);
    }
    *buffer = (CodeBuffer){p, size, 0};
    return true;
}

void code_buffer_done(CodeBuffer *buffer) {
    munmap(buffer->base, buffer->size);
    if (buffer->write_delta) {
        munmap(buffer->base + buffer->write_delta, buffer->size);
    }
}
