/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that several analyses take: which positions and which code. */
#ifndef ANALYSES_FILTER_H
#define ANALYSES_FILTER_H

#include "analyses/run.h"

#define FILTER_OPTIONS                                                                                       \
    {"first", RR_OPTION_TEXT, "", "POS", "the first position to keep"},                                      \
        {"last", RR_OPTION_TEXT, "", "POS", "the last position to keep"},                                    \
        {"pc", RR_OPTION_TEXT, "", "LOW-HIGH", "only instructions at these addresses (or one address)"}, {   \
        "symbol", RR_OPTION_TEXT, "", "NAME", "only instructions of this function"                           \
    }

/* Inclusive bounds from the options; unchanged where none is given. What makes no sense is a GError. */
bool filter_positions(AnalysisRun *run, Pos *first, Pos *last, GError **error);
bool filter_addresses(AnalysisRun *run, Gva *low, Gva *high, GError **error);
/* A number of the option, from `least` to `most`; unchanged if it is not given. */
bool filter_number(AnalysisRun *run, const char *option, uint64_t least, uint64_t most, uint64_t *ret,
                   GError **error);

#endif
