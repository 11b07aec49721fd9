// The parts of libevent that Fairlead uses: the loop, descriptor events, timers and signals.
// Debian: libevent-dev.
#pragma once
// First, because libevent's own configuration header defines _GNU_SOURCE: the system's types must
// look the same here as in Swift's Glibc module, which is compiled without it.
#include <features.h>
#include <event2/event.h>
#include <event2/event_struct.h>
