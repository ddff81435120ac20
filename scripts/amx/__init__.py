"""Shows on this machine what an AMX build of llama.cpp does to a process, and that rankkit keeps clear of it."""
