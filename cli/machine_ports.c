/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character backends: where the bytes of the UART and of each virtconsole come from and go. */
#include "cli/machine_build.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/properties.h"

/* "chardev:ID" → the -chardev's own words, rewritten in -serial's form. */
static char *chardev_spec(Collected *c, const char *id, LivePort *port, GError **error) {
    for (guint i = 0; i < c->chardevs->len; i++) {
        g_autoptr(Properties) p = properties_new(c->chardevs->pdata[i]);
        g_autofree char *own = properties_take(p, "id"), *path = properties_take(p, "path");
        g_autofree char *mux_text = properties_take(p, "mux"), *signals = properties_take(p, "signal");
        if (g_strcmp0(own, id))
            continue;
        if ((mux_text && !parse_on_off("-chardev", "mux", mux_text, &port->mux, error)) ||
            (signals && !parse_on_off("-chardev", "signal", signals, &port->signals, error)) ||
            !properties_finish(p, "-chardev", "id, path, mux, signal", error))
            return NULL;
        return path ? g_strdup_printf("%s:%s", p->first ? p->first : "", path)
                    : g_strdup(p->first ? p->first : "");
    }
    g_set_error(error, CLI_ERROR, 0, "no -chardev has id=%s", id);
    return NULL;
}

static bool open_pipe(LivePort *port, const char *path, GError **error) {
    g_autofree char *in = g_strconcat(path, ".in", NULL), *out = g_strconcat(path, ".out", NULL);
    bool pair = !access(in, F_OK) && !access(out, F_OK);
    port->in_fd = open(pair ? in : path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    port->out_fd = pair ? open(out, O_RDWR | O_CLOEXEC) : port->in_fd;
    if (port->in_fd >= 0 && port->out_fd >= 0)
        return true;
    g_set_error(error, CLI_ERROR, 0, "pipe:%s: %s", path, g_strerror(errno));
    return false;
}

bool build_port(Collected *c, unsigned number, const char *text, GError **error) {
    LivePort *port = &c->s->live.ports[number];
    g_autofree char *spec = NULL;
    port->signals = true;
    if (g_str_has_prefix(text, "chardev:")) {
        spec = chardev_spec(c, text + 8, port, error);
        if (!spec)
            return false;
        text = spec;
    }
    if (g_str_has_prefix(text, "mon:")) {
        port->mux = true;
        port->signals = false;
        text += 4;
    }
    if (!strcmp(text, "stdio")) {
        for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
            if (c->s->live.ports[i].in_fd == STDIN_FILENO)
                return refuse("stdio", text, "one user of the terminal", error);
        port->in_fd = STDIN_FILENO;
        port->out_fd = STDOUT_FILENO;
        return true;
    }
    if (!strcmp(text, "null") || !strcmp(text, "none"))
        return true;
    if (g_str_has_prefix(text, "file:")) {
        port->out_fd = open(text + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (port->out_fd < 0)
            g_set_error(error, CLI_ERROR, 0, "-serial %s: %s", text, g_strerror(errno));
        return port->out_fd >= 0;
    }
    if (g_str_has_prefix(text, "pipe:"))
        return open_pipe(port, text + 5, error);
    return refuse("-serial", text, "stdio, mon:stdio, null, none, file:FILE, pipe:FILE, chardev:ID", error);
}
