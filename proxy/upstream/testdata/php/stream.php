<?php
// Lines, until the client is gone; then a file tells so.
ignore_user_abort(true);
ob_end_flush();
while (!connection_aborted()) {
	echo "tick\n";
	flush();
	usleep(20000);
}
touch($_GET['done']);
