<?php
// What of a multipart upload or a raw body arrived.
if (isset($_FILES['file'])) {
	$f = $_FILES['file'];
	echo 'file ', $f['name'], ' ', $f['size'], ' ', hash_file('sha256', $f['tmp_name']), ' note ', $_POST['note'];
} else {
	$in = fopen('php://input', 'rb');
	$hash = hash_init('sha256');
	$size = hash_update_stream($hash, $in);
	echo 'raw ', $size, ' ', hash_final($hash), ' length ', $_SERVER['CONTENT_LENGTH'] ?? 'none';
}
