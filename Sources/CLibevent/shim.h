// The parts of libevent that Fairlead uses: the loop, descriptor events, timers and signals.
// Debian: libevent-dev.
//
// libevent's configuration header defines _GNU_SOURCE, which changes the members of fd_set; Swift then
// finds two definitions of it, this one and Glibc's, and may refuse to build. <features.h> settles what
// the C library shows before that.
#include <features.h>

#include <event2/event.h>
#include <event2/event_struct.h>
