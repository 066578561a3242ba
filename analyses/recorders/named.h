/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of one name among the guest's programs and the kernel's modules, which become known while the guest runs
 * (programs.h).
 */
#ifndef ANALYSES_NAMED_H
#define ANALYSES_NAMED_H

#include "analyses/recorders/recorder.h"

typedef struct Named Named;

/* In begin; NULL where no programs are followed. */
Named *named_new(Recorder *run, const char *name);
void named_free(Named *n); /* NULL is allowed */
/* The addresses of the kernel's, the firmware's and --symbols files' functions of that name. */
bool named_fixed(Store *store, const char *name, GHashTable *addresses, GError **error);

/* On the guest's thread. False: no function of that name that is known so far can begin there, in whichever program. */
bool named_may_begin(Named *n, Gva addr);
/* One begins there in what the hart runs now; of the kernel's modules, whoever does. */
bool named_begins(Named *n, const Hart *hart, Gva addr);
/* None has become known: say so at the end. `also`: elsewhere neither. */
void named_tell(const Named *n, bool also);

/* On any one thread: one began there in an address space at a position that the guest has passed. */
bool named_began(Named *n, Gva addr, uint64_t satp, Pos pos);

#endif
