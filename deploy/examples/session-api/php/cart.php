<?php
// A cart: what it keeps of a visitor is in coatcheck's session.
//   SESSION_API=http://127.0.0.1:9092 php -S 127.0.0.1:3000 cart.php
declare(strict_types=1);

// Calls the session API for this request: the status, the value and its entity tag.
function session(string $method, string $name, mixed $value = null, string $condition = ''): array
{
    $headers = ['Authorization: Bearer ' . $_SERVER['HTTP_X_SESSION_TOKEN'], 'Content-Type: application/json'];
    if ($condition !== '') {
        $headers[] = $condition;
    }
    $options = ['method' => $method, 'header' => $headers, 'timeout' => 10, 'ignore_errors' => true];
    if ($method === 'PUT') {
        $options['content'] = json_encode($value, JSON_THROW_ON_ERROR);
    }
    $api = getenv('SESSION_API') ?: 'http://127.0.0.1:9092';
    $body = file_get_contents($api . '/session/' . rawurlencode($name), false, stream_context_create(['http' => $options]));
    if ($body === false) {
        throw new RuntimeException('the session API does not answer');
    }
    $status = (int) explode(' ', $http_response_header[0])[1];
    if ($status >= 400 && $status !== 404 && $status !== 412) {
        throw new RuntimeException("the session API answered $status");
    }
    $tag = '';
    foreach ($http_response_header as $line) {
        if (stripos($line, 'etag:') === 0) {
            $tag = trim(substr($line, 5));
        }
    }
    return [$status, $status === 200 ? json_decode($body, true, flags: JSON_THROW_ON_ERROR) : null, $tag];
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    do { // again, if another request was faster
        [$status, $cart, $tag] = session('GET', 'cart');
        $cart[] = $_GET['item'];
        [$status] = session('PUT', 'cart', $cart, $tag !== '' ? "If-Match: $tag" : 'If-None-Match: *');
    } while ($status === 412);
    header('Location: /', true, 303); // written before the answer begins: a new visitor gets the cookie with it
    return;
}

[, $cart] = session('GET', 'cart');
header('Content-Type: text/plain; charset=utf-8');
echo 'user: ', $_SERVER['HTTP_REMOTE_USER'] ?? '-', "\ncart: ", json_encode($cart ?? []), "\n";
