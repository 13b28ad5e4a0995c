<?php
// One answer of each kind.
switch ($_GET['kind']) {
	case 'status': http_response_code(418); echo 'short and stout'; break;
	case 'redirect': header('Location: /elsewhere'); break;
	case 'cookies': setcookie('a', '1'); setcookie('b', '2'); echo 'two'; break;
	case 'none': http_response_code(204); break;
	case 'stderr': error_log('the cause is told to the log alone'); echo 'fine'; break;
	case 'fatal': nobody_defined_this(); break;
	case 'exit': echo 'half'; ob_end_flush(); flush(); posix_kill(getmypid(), 9); break;
	case 'slow': echo 'first'; ob_end_flush(); flush(); sleep(30); echo 'second'; break;
	case 'silent': sleep(30); break;
}
