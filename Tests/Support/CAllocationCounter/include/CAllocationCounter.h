// Counts what each thread allocates: this replaces malloc and its like for the whole test process.
#pragma once

// Allocations, over all threads whose count is switched on by name: those called "worker-…".
long fairlead_worker_allocations(void);
// While on, an allocation of a worker aborts the process, for a debugger to show where it comes from.
void fairlead_abort_on_allocation(int on);
