/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers questions to memtrace,storage=index: finds the recording, and replays the windows that are asked for. */
#ifndef CLI_WINDOW_REPLAY_H
#define CLI_WINDOW_REPLAY_H

#include "analyses/store/store.h"
#include "cli/args.h"

typedef struct WindowReplay WindowReplay;

/* Nothing is opened until a window is asked for. `args` must outlive it. */
WindowReplay *window_replay_new(const Args *args);
/* After the connections that use it were closed. NULL is allowed. */
void window_replay_free(WindowReplay *w);
/* For store_set_functions(); the window_replay's. */
const StoreReplayer *window_replay_ops(const WindowReplay *w);

#endif
