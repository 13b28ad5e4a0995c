<?php
header('Content-Type: application/json');
$known = $_SERVER;
ksort($known);
echo json_encode($known, JSON_INVALID_UTF8_SUBSTITUTE);
