"""Live sockets: the Socket.IO 4 protocol over websockets."""
