<?php
// size: bytes; length=1: with Content-Length; flush=1: one line, then a wait for the end of the client; lie=N: a Content-Length that is N too much.
$size = (int)($_GET['size'] ?? 0);
if (isset($_GET['length'])) {
	header('Content-Length: ' . ($size + (int)($_GET['lie'] ?? 0)));
}
$block = str_repeat('0123456789abcdef', 4096);
while ($size > 0) {
	echo substr($block, 0, min($size, strlen($block)));
	$size -= strlen($block);
}
