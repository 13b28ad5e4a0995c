package main

// Measured on two cores of an Intel Xeon with Redis 7.0.15 and PostgreSQL 15.18, servers and clients on the same machine.
const (
	redisSession = 372.0 // bytes of a session of 200 bytes with its key of 67, as Redis keeps it
	redisTracked = 152.0 // bytes of the tracking table for a key and its first client
	redisHolder  = 56.0  // bytes for each further client of that key (40 to 72)
	redisClient  = 38e3  // bytes of a connection that listens
	redisMessage = 2.8   // µs of Redis's one thread for each message that it writes
	redisBytes   = 110.0 // bytes of a message on the wire: push frame, "invalidate", one key of 67

	pgListener = 1.1e6 // bytes of a backend that listens and does nothing else (private pages)
	pgWake     = 24.5  // µs of CPU in each listening backend for each NOTIFY
	pgSignal   = 4.1   // µs in the sender for each listening backend: one signal
	pgQueue    = 8e9   // bytes of the queue (8 GiB less what its pages lose; fixed up to version 16, max_notify_queue_pages since)
	pgEntry    = 60.0  // bytes of a notification in the queue: header, channel, payload of a 32 character hash
	pgPayload  = 8000  // bytes at most
)
