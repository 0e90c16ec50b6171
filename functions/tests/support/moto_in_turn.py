"""moto's server, one request at a time: a transaction that it cancels takes the whole table back to
where it was, and with it what others wrote meanwhile. They wait in a queue that is long enough for them."""

import sys

import moto.server
import werkzeug.serving

werkzeug.serving.BaseWSGIServer.request_queue_size = 1024
serve = moto.server.run_simple
moto.server.run_simple = lambda *args, **options: serve(*args, **{**options, "threaded": False})
sys.exit(moto.server.main())
