/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files the guest's processes have open, and in which folder they are, as their system calls tell: paths of the
 * guest's, which may have "..", and links. What was opened before the observation began is not known.
 */
#ifndef ANALYSES_PROCESS_FILES_H
#define ANALYSES_PROCESS_FILES_H

#include "analyses/trackers/syscall_track.h"

typedef struct ProcessFiles ProcessFiles;

ProcessFiles *process_files_new(void);
void process_files_free(ProcessFiles *f);
/* A process is new: it has what its parent (0: not known) has, and nothing of one that had its number. */
void process_files_begin(ProcessFiles *f, int64_t pid, int64_t parent);
/* A system call of the process that has succeeded, before the guest goes on; others than those about files do nothing. */
void process_files_call(ProcessFiles *f, int64_t pid, const Syscall *c, const Hart *hart);
/* NULL: not known. */
const char *process_files_path(const ProcessFiles *f, int64_t pid, uint64_t fd);
/* What was executed by that name: from the folder on, or of a descriptor ("/dev/fd/3", execveat). Takes it, returns a new one. */
char *process_files_executed(const ProcessFiles *f, int64_t pid, char *name);

#endif
