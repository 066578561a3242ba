/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which step submitted the request that a device works on: the register write at whose guest time the device says
 * that it was submitted.
 */
#ifndef ANALYSES_SUBMISSIONS_H
#define ANALYSES_SUBMISSIONS_H

#include "core/device.h"
#include "core/machine.h"

typedef struct Submissions Submissions;

Submissions *submissions_new(void);
void submissions_free(Submissions *s); /* NULL is allowed */
/* A register of the device was written in the step at pos. */
void submissions_note(Submissions *s, const Device *device, Pos pos);
/* For what the device does now, at pos; POS_NONE: not known. */
Pos submissions_find(const Submissions *s, const Device *device, Pos pos);

#endif
