/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that several analyses take: which positions and which code. */
#ifndef ANALYSES_FILTER_H
#define ANALYSES_FILTER_H

#include "analyses/recorders/recorder.h"

#define FILTER_SETTINGS                                                                                      \
    {"first", "POS", ""}, {"last", "POS", ""}, {"pc", "LOW-HIGH", ""}, {                                     \
        "symbol", "NAME", ""                                                                                 \
    }

/* Inclusive bounds from the options; unchanged where none is given. What makes no sense is a GError. */
bool filter_positions(Recorder *run, Pos *first, Pos *last, GError **error);
/* `later`: a symbol may become known later; where it is not known now, nothing is between the bounds. */
bool filter_addresses(Recorder *run, bool later, Gva *low, Gva *high, GError **error);
/* A number of the option, from `least` to `most`; unchanged if it is not given. */
bool filter_number(Recorder *run, const char *option, uint64_t least, uint64_t most, uint64_t *ret,
                   GError **error);

#endif
