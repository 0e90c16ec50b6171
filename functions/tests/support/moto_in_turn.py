"""moto's server, one request at a time: a transaction that it cancels takes the whole table back to
where it was, and with it what others wrote meanwhile."""

import sys

import moto.server

serve = moto.server.run_simple
moto.server.run_simple = lambda *args, **options: serve(*args, **{**options, "threaded": False})
sys.exit(moto.server.main())
