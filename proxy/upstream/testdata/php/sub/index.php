<?php echo 'index of sub, ', $_SERVER['REQUEST_URI'];
