/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What replay, verify and diff share: engines by name and the progress bar. */
#ifndef CLI_REPLAYING_H
#define CLI_REPLAYING_H

#include "cli/cli.h"
#include "replay/replay.h"
#include "tcg/tcg.h"

/* Fill new_engine, new_other_engine and opaque from --backend and -d. `tcg` must outlive the replay. */
bool replaying_options(const Args *args, TcgOptions *tcg, ReplayOptions *options, GError **error);
typedef struct Progress {
    gint64 began; /* monotonic us */
    Pos first;
} Progress;

/* A bar on stderr, on a terminal only and not with --quiet. `p` must outlive the replay. */
void replaying_show_progress(const Args *args, Progress *p, Replay *replay);
void replaying_clear_progress(const Args *args);

#endif
