// The parts of libevent that Fairlead uses: the loop, descriptor events, timers and signals.
// Debian: libevent-dev.
#include <event2/event.h>
#include <event2/event_struct.h>
